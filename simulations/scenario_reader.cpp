#include "simulations/scenario_reader.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "config/load_lists.hpp"
#include "config/section_reader.hpp"

namespace signalbox::sim {
namespace {

using config::SectionReader;

/// Longest time a law may mean, and the longest run: 366 days. Unit: s.
constexpr double seconds_max = 31'622'400;
constexpr std::uint64_t tasks_max = 1'000'000'000;
constexpr std::uint64_t tokens_max = 1'000'000;
/// Unit: s. With the largest draws a call's time stays far below what nanoseconds can count.
constexpr double per_token_s_max = 60;
constexpr double rate_max = 1e6;

/// Rounds, so that 0.29 s are 290,000,000 ns.
Duration to_duration(double seconds) {
  return Duration{static_cast<std::int64_t>(seconds * 1e9 + 0.5)};
}

Duration read_time(SectionReader& section, const std::string& key, double max = seconds_max) {
  double seconds = 0;
  section.require(key);
  section.read_seconds(key, seconds, 0, max);
  return to_duration(seconds);
}

std::int64_t read_tokens(SectionReader& section, const std::string& key) {
  std::int64_t tokens = 0;
  section.require(key);
  section.read_whole(key, tokens, {0, tokens_max});
  return tokens;
}

std::optional<Duration> read_budget(SectionReader& section, const std::string& key) {
  if (section.find(key) == nullptr) return std::nullopt;
  double seconds = 0;
  section.read_seconds(key, seconds, budget_s_min, budget_s_max);
  return to_duration(seconds);
}

/// @returns the law's name, or nothing when it has none that is known: then nothing else of it can
/// be judged.
std::optional<std::string> read_law_word(SectionReader& section,
                                         const std::vector<std::string>& words) {
  std::optional<std::string> word;
  section.require("law");
  section.read_word("law", word, words,
                    [](const std::string& text) { return std::optional<std::string>{text}; });
  return word;
}

void check_span(SectionReader& section, const Law& law) {
  if (law.kind != LawKind::uniform || law.low <= law.high) return;
  section.context().add(*section.node(), section.path(), "its low end must not be above its high");
}

ServiceLaw read_service(SectionReader section) {
  ServiceLaw service;
  const auto law = read_law_word(section, {"const", "exp", "uniform", "linear"});
  if (!law) return service;
  if (law == "const") {
    service.base = {LawKind::constant, read_time(section, "value_s").count()};
  } else if (law == "exp") {
    service.base = {LawKind::exponential, read_time(section, "mean_s").count()};
  } else if (law == "uniform") {
    service.base = {LawKind::uniform, read_time(section, "min_s").count(),
                    read_time(section, "max_s").count()};
  } else {
    service.base = {LawKind::constant, read_time(section, "overhead_s").count()};
    service.per_token_out = read_time(section, "per_token_out_s", per_token_s_max);
    if (section.find("per_token_in_s") != nullptr) {
      service.per_token_in = read_time(section, "per_token_in_s", per_token_s_max);
    }
  }
  check_span(section, service.base);
  section.finish();
  return service;
}

/// A number stands for the law that always gives it.
Law read_token_law(SectionReader& client, const std::string& key) {
  const config::Entry* entry = client.find(key);
  if (entry == nullptr) return {};
  if (entry->value->kind == config::NodeKind::scalar) {
    return {LawKind::constant, read_tokens(client, key)};
  }
  SectionReader section = open_section(client, key);
  const auto word = read_law_word(section, {"const", "exp", "uniform"});
  Law law;
  if (!word) return law;
  if (word == "const") {
    law = {LawKind::constant, read_tokens(section, "value")};
  } else if (word == "exp") {
    law = {LawKind::exponential, read_tokens(section, "mean")};
  } else {
    law = {LawKind::uniform, read_tokens(section, "min"), read_tokens(section, "max")};
  }
  check_span(section, law);
  section.finish();
  return law;
}

TraceSpec read_trace(SectionReader& arrival) {
  TraceSpec trace;
  arrival.require("file");
  arrival.read_text("file", trace.file, config::check_not_empty);
  std::string unit = "calendar";
  arrival.read_word("time", unit, {"calendar", "s", "ms", "us"},
                    [](const std::string& text) { return std::optional<std::string>{text}; });
  if (unit == "s") trace.time_unit = std::chrono::seconds{1};
  if (unit == "ms") trace.time_unit = std::chrono::milliseconds{1};
  if (unit == "us") trace.time_unit = std::chrono::microseconds{1};
  SectionReader columns = open_section(arrival, "columns");
  arrival.require("columns");
  columns.require("time");
  columns.read_text("time", trace.time_column, config::check_not_empty);
  columns.read_text("tokens_in", trace.tokens_in_column, config::check_not_empty);
  columns.read_text("tokens_out", trace.tokens_out_column, config::check_not_empty);
  columns.finish();
  return trace;
}

ArrivalLaw read_arrival(SectionReader section) {
  ArrivalLaw arrival;
  const auto law = read_law_word(section, {"poisson", "constant", "trace"});
  if (!law) return arrival;
  if (law == "poisson") {
    double rate = 1;
    section.require("rate_per_s");
    section.read_decimal("rate_per_s", rate, 1e-6, rate_max, "calls per second");
    arrival = {ArrivalKind::poisson, to_duration(1 / rate)};
  } else if (law == "constant") {
    arrival = {ArrivalKind::constant, read_time(section, "every_s")};
  } else {
    arrival = {ArrivalKind::trace, {}, read_trace(section)};
  }
  section.finish();
  return arrival;
}

BackendSpec read_backend(SectionReader& section) {
  BackendSpec backend;
  section.require("name");
  section.read_text("name", backend.name, config::check_name);
  section.read_text("pool", backend.pool, config::check_name);
  section.read_text("model", backend.model, config::check_name);
  section.read_whole("capacity", backend.capacity, {1, max_concurrent_max});
  section.require("service");
  backend.service = read_service(open_section(section, "service"));
  section.finish();
  return backend;
}

ClientSpec read_client(SectionReader& section) {
  ClientSpec client;
  for (const char* key : {"name", "class", "profile", "model", "arrival"}) section.require(key);
  section.read_text("name", client.name, config::check_name);
  section.read_word("class", client.priority, config::priority_words(), parse_priority);
  client.owner = client.name;
  section.read_text("owner", client.owner, config::check_name);
  section.read_text("profile", client.profile, config::check_name);
  section.read_text("model", client.target, config::check_name);
  client.arrival = read_arrival(open_section(section, "arrival"));
  client.tokens_in = read_token_law(section, "tokens_in");
  client.tokens_out = read_token_law(section, "tokens_out");
  section.read_flag("declares_size", client.declares_size);
  client.queue_wait = read_budget(section, "queue_wait_s");
  client.inference = read_budget(section, "inference_s");
  section.read_whole("tasks", client.tasks, {0, tasks_max});
  if (section.find("start_s") != nullptr) client.start = read_time(section, "start_s");
  section.finish();
  return client;
}

/// Reports the second of two equal names.
class UniqueNames {
 public:
  void add(SectionReader& section, const std::string& name) {
    if (name.empty() || x_seen.insert(name).second) return;
    section.context().add(*section.node(), section.path_of("name"),
                          config::quote(name) + " is in the list twice");
  }

 private:
  std::set<std::string> x_seen;
};

bool serves(const BackendSpec& backend, const std::string& target) {
  return backend.name == target || backend.pool == target || backend.model == target;
}

/// What a client names must be there.
void check_client(SectionReader& section, const ClientSpec& client, const Scenario& scenario) {
  if (!client.profile.empty() && !scenario.profiles.contains(client.profile)) {
    section.context().add(*section.node(), section.path_of("profile"),
                          "there is no profile " + config::quote(client.profile));
  }
  const bool is_served =
      std::any_of(scenario.backends.begin(), scenario.backends.end(),
                  [&](const BackendSpec& backend) { return serves(backend, client.target); });
  if (!client.target.empty() && !is_served) {
    section.context().add(*section.node(), section.path_of("model"),
                          "there is no backend, pool or model " + config::quote(client.target));
  }
}

void check_end(SectionReader& root, const Scenario& scenario) {
  const bool is_bounded =
      scenario.tasks || scenario.horizon ||
      std::all_of(scenario.clients.begin(), scenario.clients.end(), [](const auto& client) {
        return client.tasks || client.arrival.trace.file != "";
      });
  if (is_bounded) return;
  root.context().add(*root.node(), "",
                     "must end: give tasks or horizon_s, or tasks for every client");
}

void read_all(SectionReader& root, Scenario& scenario) {
  std::uint32_t version = 1;
  root.require("version");
  root.read_whole("version", version, {1, 1});
  root.read_whole("seed", scenario.seed, {0, UINT64_MAX});
  root.read_whole("tasks", scenario.tasks, {1, tasks_max});
  if (root.find("horizon_s") != nullptr) scenario.horizon = read_time(root, "horizon_s");
  root.read_whole("warmup_tasks", scenario.warmup_tasks, {0, tasks_max});
  root.read_word("commit", scenario.commit, config::commit_mode_words(), config::parse_commit_mode);
  for (const char* key : {"profiles", "backends", "clients"}) root.require(key);
  config::read_profiles(open_section(root, "profiles"), scenario.profiles);
  UniqueNames backends;
  for (SectionReader& section : root.read_sections("backends")) {
    scenario.backends.push_back(read_backend(section));
    backends.add(section, scenario.backends.back().name);
  }
  UniqueNames clients;
  for (SectionReader& section : root.read_sections("clients")) {
    scenario.clients.push_back(read_client(section));
    clients.add(section, scenario.clients.back().name);
    check_client(section, scenario.clients.back(), scenario);
  }
  check_end(root, scenario);
  root.finish();
}

/// "examples/scenarios/one_slot.yaml" is one_slot.
std::string base_name(const std::string& file_name) {
  const std::size_t slash = file_name.find_last_of('/');
  const std::string last = slash == std::string::npos ? file_name : file_name.substr(slash + 1);
  return last.substr(0, last.find('.'));
}

}  // namespace

ScenarioFile read_scenario(const std::string& yaml_text, const std::string& file_name) {
  return read_scenario(config::parse_yaml(yaml_text, file_name), file_name);
}

ScenarioFile read_scenario(config::YamlDocument document, const std::string& file_name) {
  config::LoadContext context{file_name, std::move(document.violations), {}};
  ScenarioFile file;
  file.scenario.name = base_name(file_name);
  if (document.root != nullptr && document.root->kind != config::NodeKind::null) {
    SectionReader root{context, document.root, ""};
    if (document.root->kind == config::NodeKind::map) read_all(root, file.scenario);
  } else if (context.violations.empty()) {
    context.violations.push_back({file_name, 0, 0, "", "there is nothing in it"});
  }
  file.violations = std::move(context.violations);
  std::stable_sort(file.violations.begin(), file.violations.end(),
                   [](const auto& left, const auto& right) {
                     return std::tie(left.line, left.column) < std::tie(right.line, right.column);
                   });
  return file;
}

}  // namespace signalbox::sim
