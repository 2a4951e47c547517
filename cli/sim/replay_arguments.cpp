#include "cli/sim/replay_arguments.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <utility>

#include "cli/sim/sim_arguments.hpp"
#include "config/words.hpp"
#include "core/admission/profile_settings.hpp"
#include "simulations/scenario/trace_reader.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* footer = R"(
Makes recorded calls again, at the same times, under other settings. Read are

- rows of calls, `signalbox get calls -o jsonl`: each call holds its slot as long as it did. Without
  --slots a profile has as many as were in use at once. Calls that never got one are left out.
- traces of arrivals, CSV files with a header or JSON lines. They do not tell how long a call takes,
  nor how many slots there are: --slots and --service do. The columns of the Azure LLM inference
  traces and the keys of Mooncake's are known, --columns and --time name others.

Examples:
  signalbox get calls --since 1d --limit 100000 -o jsonl > calls.jsonl
  signalbox sim replay calls.jsonl
  signalbox sim replay calls.jsonl --slots 3
  signalbox sim replay calls.jsonl --traffic 2
  signalbox sim replay AzureLLMInferenceTrace_conv.csv --slots 28 --service 0.1,0.02
  signalbox sim replay mine.csv --slots 4 --service 0.1,0.02,0.0001 --time s \
      --columns time=when,tokens_in=prompt,tokens_out=answer)";

/// A call's longest part, so that sums stay far below what nanoseconds can count. Unit: s.
constexpr std::chrono::seconds overhead_max{1'000'000};
constexpr std::chrono::seconds per_token_max{60};

/// @returns false unless it is a time of at most `most`.
bool read_part(const std::string& text, std::chrono::seconds most, Duration& time) {
  const auto read = sim::parse_amount(text, std::chrono::seconds{1});
  if (!read || *read > most) return false;
  time = *read;
  return true;
}

/// @returns nothing unless there are two or three times.
std::optional<sim::ServiceLaw> parse_service(const std::vector<std::string>& parts) {
  sim::ServiceLaw service;
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  Duration overhead{};
  if (!read_part(parts[0], overhead_max, overhead)) return std::nullopt;
  if (!read_part(parts[1], per_token_max, service.per_token_out)) return std::nullopt;
  const bool has_in = parts.size() == 3;
  if (has_in && !read_part(parts[2], per_token_max, service.per_token_in)) return std::nullopt;
  service.base = {sim::LawKind::constant, overhead.count()};
  return service;
}

/// @returns nothing unless each part names another of the columns, the time among them.
std::optional<TraceColumns> parse_columns(const std::vector<std::string>& parts) {
  TraceColumns columns;
  const std::array<std::pair<std::string_view, std::string*>, 3> names{
      {{"time=", &columns.time},
       {"tokens_in=", &columns.tokens_in},
       {"tokens_out=", &columns.tokens_out}}};
  for (const std::string& part : parts) {
    bool is_known = false;
    for (const auto& [name, column] : names) {
      const bool is_it = part.starts_with(name) && part.size() > name.size() && column->empty();
      if (is_it) *column = part.substr(name.size());
      is_known = is_known || is_it;
    }
    if (!is_known) return std::nullopt;
  }
  if (columns.time.empty()) return std::nullopt;
  return columns;
}

const std::vector<std::string> time_words{"calendar", "s", "ms", "us"};

Duration to_unit(const std::string& word) {
  if (word == "s") return std::chrono::seconds{1};
  if (word == "ms") return std::chrono::milliseconds{1};
  if (word == "us") return std::chrono::microseconds{1};
  return Duration::zero();
}

}  // namespace

void add_replay(CLI::App& sim, ReplayArguments& arguments,
                std::map<const CLI::Option*, ValueRow>& values) {
  CLI::App* replay = sim.add_subcommand("replay", "Make recorded calls again");
  replay->footer(footer);
  ReplayOptions& options = arguments.options;
  const CLI::Option* file =
      replay->add_option("FILE", options.file, "Call rows or a trace; - = stdin")->required();
  replay->add_option("--policy", options.policy, "Order of grants, for every profile");
  replay->add_option("--slots", options.slots, "Slots, for every profile")
      ->check(CLI::Range(1U, max_concurrent_max));
  replay->add_option("--traffic", arguments.traffic, "Calls come so many times as fast (default 1)")
      ->check(CLI::Range(sim::traffic_min, sim::traffic_max));
  replay
      ->add_option("--service", arguments.service,
                   "Of a trace's calls: OVERHEAD_S,PER_TOKEN_OUT_S[,PER_TOKEN_IN_S]")
      ->delimiter(',')
      ->allow_extra_args(false);
  replay
      ->add_option("--columns", arguments.columns,
                   "Of a trace: time=NAME[,tokens_in=NAME][,tokens_out=NAME]")
      ->delimiter(',')
      ->allow_extra_args(false);
  const CLI::Option* time =
      replay->add_option("--time", arguments.time, "What a trace's times are: calendar, s, ms, us")
          ->check(CLI::IsMember(time_words));
  const CLI::Option* out =
      replay->add_option("--out", options.out, "Folder for report.html, CSV files, SVG plots");
  for (const CLI::Option* path : {file, out}) values[path] = {true, {}};
  values[time] = {false, time_words};
}

std::optional<std::string> settle_replay(ReplayArguments& arguments) {
  ReplayOptions& options = arguments.options;
  options.traffic = static_cast<std::uint32_t>(arguments.traffic * sim::traffic_as_recorded + 0.5);
  if (!arguments.service.empty()) {
    options.service = parse_service(arguments.service);
    if (!options.service) {
      return "--service is OVERHEAD_S,PER_TOKEN_OUT_S[,PER_TOKEN_IN_S], seconds like 0.1,0.02";
    }
  }
  if (!arguments.columns.empty()) {
    options.columns = parse_columns(arguments.columns);
    if (!options.columns) {
      return "--columns is time=NAME[,tokens_in=NAME][,tokens_out=NAME], each at most once";
    }
  }
  if (!arguments.time.empty()) options.time_unit = to_unit(arguments.time);
  if (options.policy.empty()) return std::nullopt;
  return find_policy_problem("--policy", options.policy);
}

}  // namespace signalbox::cli
