// Gets a sleeping LLM server up: runs the user's command and waits until the server answers.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace signalbox::cli {

struct WakeJob {
  /// For /bin/sh -c.
  std::string command;
  /// For the command and the server's first answer together.
  std::chrono::seconds time_max{60};
  /// Asks the server.
  std::function<bool()> is_up;
  /// The worker ends.
  std::function<bool()> is_given_up;
};

/// A command that is still running when the server has come up is taken for the server itself and
/// left alone; one that is running when the time is over is killed, with its children.
/// @returns what went wrong, or nothing.
std::optional<std::string> run_wake(const WakeJob& job);

}  // namespace signalbox::cli
