// What `signalbox sim replay` replays: finds out what a file is, and makes a scenario of it.
#pragma once

#include <string>
#include <vector>

#include "cli/client/failure.hpp"
#include "cli/sim/replay_arguments.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::cli {

struct ReplaySource {
  /// Without what the options say of policies and slots, where the file tells them.
  sim::Scenario scenario;
  /// For stderr, a line each.
  std::vector<std::string> notes;
};

/// Call rows and JSON lines are read whole, a CSV file only while it is replayed.
/// @returns what is wrong with the file or missing of the options.
Outcome<ReplaySource> open_replay(const ReplayOptions& options);

}  // namespace signalbox::cli
