#include "simulations/scenario/scenario_reader.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "config/load_lists.hpp"
#include "config/section_reader.hpp"
#include "simulations/scenario/arrival_reader.hpp"
#include "simulations/scenario/fault_reader.hpp"
#include "simulations/scenario/law_reader.hpp"

namespace signalbox::sim {
namespace {

using config::SectionReader;

constexpr std::uint64_t tasks_max = 1'000'000'000;
constexpr std::chrono::milliseconds heartbeat_min{10};
/// As often as anybody does anything of use.
constexpr std::chrono::milliseconds renew_every_min{1};

Slowdown read_slowdown(SectionReader section) {
  constexpr double per_call_max = 100;
  Slowdown slowdown;
  section.require("per_call");
  slowdown.per_call = read_share(section, "per_call", per_call_max);
  if (section.find("knee") != nullptr) section.require("per_call_beyond");
  section.read_whole("knee", slowdown.knee, {1, max_concurrent_max});
  slowdown.per_call_beyond = read_share(section, "per_call_beyond", per_call_max);
  section.finish();
  return slowdown;
}

WorkerSpec read_worker(SectionReader section) {
  WorkerSpec worker;
  if (section.find("heartbeat_s") != nullptr) worker.heartbeat = read_time(section, "heartbeat_s");
  if (worker.heartbeat < heartbeat_min) {
    section.context().add(*section.node(), section.path_of("heartbeat_s"), "must be 0.01 or more");
  }
  worker.wakes_in = read_optional_time(section, "wakes_in_s");
  section.finish();
  return worker;
}

void check_models(SectionReader& section, const BackendSpec& backend) {
  const auto complain = [&](const char* key, const char* message) {
    section.context().add(*section.node(), section.path_of(key), message);
  };
  const bool has_models = !backend.models.empty();
  if (!has_models && backend.swap > Duration::zero()) complain("swap_s", "needs models");
  if (has_models && !backend.model.empty()) complain("model", "is one of models, or alone");
  if (has_models && !backend.pool.empty()) complain("pool", "cannot be shared by models");
  if (has_models && !backend.slowdown.is_none()) complain("slowdown", "has no models to load");
  if (!backend.worker) return;
  if (has_models) complain("models", "are no matter of a worker");
  if (!backend.slowdown.is_none()) complain("slowdown", "is no matter of a worker");
  if (backend.reports_usage) complain("reports_usage", "is no matter of a worker");
}

BackendSpec read_backend(SectionReader& section) {
  BackendSpec backend;
  section.require("name");
  section.read_text("name", backend.name, config::check_name);
  section.read_text("pool", backend.pool, config::check_name);
  section.read_text("model", backend.model, config::check_name);
  section.read_whole("capacity", backend.capacity, {1, max_concurrent_max});
  section.read_texts("models", backend.models, config::check_name);
  if (section.find("swap_s") != nullptr) backend.swap = read_time(section, "swap_s");
  if (section.find("slowdown") != nullptr) {
    backend.slowdown = read_slowdown(open_section(section, "slowdown"));
  }
  section.read_flag("reports_usage", backend.reports_usage);
  if (section.find("worker") != nullptr) {
    backend.worker = read_worker(open_section(section, "worker"));
  }
  check_models(section, backend);
  section.require("service");
  backend.service = read_service(open_section(section, "service"));
  section.finish();
  return backend;
}

SlotUse read_slot_use(SectionReader section) {
  SlotUse slot;
  section.require("hold");
  slot.hold = read_service(open_section(section, "hold"));
  slot.lease = read_optional_time(section, "lease_s").value_or(Duration::zero());
  slot.renew_every = read_optional_time(section, "renew_every_s").value_or(Duration::zero());
  if (slot.renew_every > Duration::zero()) section.require("lease_s");
  if (slot.renew_every > Duration::zero() && slot.renew_every < renew_every_min) {
    section.context().add(*section.node(), section.path_of("renew_every_s"),
                          "must be 0.001 or more");
  }
  section.finish();
  return slot;
}

/// A call that a client makes itself is no task: nobody can be asked for it twice, or for its
/// answer.
void check_slot_client(SectionReader& section, const ClientSpec& client) {
  for (const char* key : {"model", "async", "streaming", "sessions", "declares_size",
                          "declares_input", "size_error", "duplicate_after", "retry"}) {
    if (!client.slot || section.find(key) == nullptr) continue;
    section.context().add(*section.node(), section.path_of(key), "is no matter of a slot");
  }
}

ClientSpec read_client(SectionReader& section) {
  ClientSpec client;
  for (const char* key : {"name", "class", "profile", "arrival"}) section.require(key);
  if (section.find("slot") == nullptr) {
    section.require("model");
  } else {
    client.slot = read_slot_use(open_section(section, "slot"));
  }
  check_slot_client(section, client);
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
  section.read_flag("declares_input", client.declares_input);
  client.size_error = read_share(section, "size_error", 1);
  section.read_flag("async", client.is_async);
  section.read_flag("streaming", client.streaming);
  client.cancel = read_act(section, "cancel_after");
  client.hang_up = read_act(section, "hang_up_after");
  client.duplicate = read_act(section, "duplicate_after");
  client.retry = read_retry(section, "retry");
  client.queue_wait = read_budget(section, "queue_wait_s");
  client.inference = read_budget(section, "inference_s");
  section.read_whole("tasks", client.tasks, {0, tasks_max});
  if (section.find("start_s") != nullptr) client.start = read_time(section, "start_s");
  section.read_whole("sessions", client.sessions, {0, sessions_max});
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
  const auto& models = backend.models;
  if (!models.empty()) return std::find(models.begin(), models.end(), target) != models.end();
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
        return client.tasks || client.arrival.kind == ArrivalKind::trace ||
               client.arrival.kind == ArrivalKind::recorded;
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
  config::read_pools(open_section(root, "pools"), scenario.pools);
  UniqueNames backends;
  for (SectionReader& section : root.read_sections("backends")) {
    scenario.backends.push_back(read_backend(section));
    backends.add(section, scenario.backends.back().name);
    for (const std::string& model : scenario.backends.back().models) backends.add(section, model);
  }
  UniqueNames clients;
  for (SectionReader& section : root.read_sections("clients")) {
    scenario.clients.push_back(read_client(section));
    clients.add(section, scenario.clients.back().name);
    check_client(section, scenario.clients.back(), scenario);
  }
  if (root.find("worker_timeout_s") != nullptr) {
    scenario.worker_timeout = read_time(root, "worker_timeout_s");
  }
  read_faults(root, scenario);
  root.read_whole("schedule_seed", scenario.schedule_seed, {0, UINT64_MAX});
  root.read_flag("breaker", scenario.has_breaker);
  if (root.find("gc") != nullptr) {
    config::read_gc(open_section(root, "gc"), scenario.gc.emplace());
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
