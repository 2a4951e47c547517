// The arguments of `signalbox sim`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "cli/command_table.hpp"
#include "config/environment.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace signalbox::cli {

struct SimOptions {
  /// The scenario's file.
  std::string file;
  /// Unset = the scenario's.
  std::optional<std::uint64_t> seed;
  /// Of every profile; empty = as the scenario says.
  std::string policy;
  /// Of every profile; unset = as the scenario says. Range: 1..10000.
  std::optional<std::uint32_t> slots;
  /// Folder for the files of the run; empty = none are written.
  std::string out;
  /// Folder that traces' names are relative to; empty = where the command runs.
  std::string traces;
};

/// @param values what options may be, for completions.
void add_sim(CLI::App& app, SimOptions& options, std::map<const CLI::Option*, ValueRow>& values);

/// Fills in what the environment says. @returns what is wrong, for the user, or nothing.
std::optional<std::string> settle_sim(SimOptions& options, const config::Lookup& lookup);

}  // namespace signalbox::cli
