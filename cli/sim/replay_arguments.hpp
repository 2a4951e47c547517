// The arguments of `signalbox sim replay`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_table.hpp"
#include "core/base/time.hpp"
#include "simulations/scenario/laws.hpp"
#include "simulations/scenario/traffic.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace signalbox::cli {

/// Which columns of a trace, or keys of its lines, hold what.
struct TraceColumns {
  std::string time;
  /// Empty = there is none.
  std::string tokens_in;
  std::string tokens_out;

  friend bool operator==(const TraceColumns&, const TraceColumns&) = default;
};

struct ReplayOptions {
  /// Call rows or a trace; "-" = stdin.
  std::string file;
  /// Of every profile; empty = strict.
  std::string policy;
  /// Of every profile; unset = as many as were in use at once, which a trace does not tell. Range:
  /// 1..10000.
  std::optional<std::uint32_t> slots;
  /// Folder for the files of the run; empty = none are written.
  std::string out;
  /// So many times as fast as recorded calls come. Unit: 1/1,000. Range: 1..1000000.
  std::uint32_t traffic = sim::traffic_as_recorded;
  /// The rest is of traces. How long a call takes.
  std::optional<sim::ServiceLaw> service;
  /// Unset = one of the published forms.
  std::optional<TraceColumns> columns;
  /// Length of one unit of the time; zero = calendar times; unset = as the published form has it.
  std::optional<Duration> time_unit;
};

/// What CLI11 fills while it parses.
struct ReplayArguments {
  ReplayOptions options;
  std::vector<std::string> service;
  std::vector<std::string> columns;
  std::string time;
  double traffic = 1;
};

/// @param values what options may be, for completions.
void add_replay(CLI::App& sim, ReplayArguments& arguments,
                std::map<const CLI::Option*, ValueRow>& values);

/// Reads what the texts say. @returns what is wrong, for the user, or nothing.
std::optional<std::string> settle_replay(ReplayArguments& arguments);

}  // namespace signalbox::cli
