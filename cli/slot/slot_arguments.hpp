// The arguments of `signalbox slot`.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/client/connection.hpp"
#include "cli/command_table.hpp"
#include "core/base/priority.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace signalbox::cli {

struct SlotRequest {
  Connection connection;
  std::string profile;
  std::optional<Priority> priority;
  /// Unset = the profile's. Unit: s. Range: > 0.
  std::optional<double> queue_wait_s;
  std::optional<double> inference_s;
  /// Unset = the daemon's. Unit: s. Range: > 0.
  std::optional<double> lease_s;
  std::string description;
  /// Between SIGTERM and SIGKILL for a command whose slot is lost. Range: 0 s..1 d.
  std::chrono::seconds grace{10};
  /// The program and its arguments; at least one.
  std::vector<std::string> command;
};

/// What CLI11 fills while it parses.
struct SlotArguments {
  SlotRequest request;
  std::string priority;
  std::uint32_t grace_s = 10;
  /// What stands before `--` by mistake.
  std::vector<std::string> misplaced;
};

/// @param values what options may be, for completions. @returns the command, without its
/// connection.
CLI::App* add_slot(CLI::App& app, SlotArguments& arguments,
                   std::map<const CLI::Option*, ValueRow>& values);

/// Takes what follows the first `--` out of `arguments`: it is the command's, however it looks.
std::vector<std::string> take_command(std::vector<std::string>& arguments);

/// @returns what is wrong, for the user, or nothing.
std::optional<std::string> settle_slot(SlotArguments& arguments);

}  // namespace signalbox::cli
