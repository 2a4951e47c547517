// A command that runs beside this process, at the same terminal.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "cli/client/failure.hpp"

namespace signalbox::cli {

class ChildProcess {
 public:
  /// @param command the program, looked for in PATH, and its arguments. @param signal_mask of the
  /// command. @param defaults signals that it does not ignore although this process does.
  /// @returns no_command or cannot_run.
  static Outcome<ChildProcess> start(const std::vector<std::string>& command,
                                     const sigset_t& signal_mask, const sigset_t& defaults);

  /// Without a terminal the command is a process group of its own, and the signal goes to all of
  /// it.
  void signal(int number) const;

  /// @returns whether the command gets what is typed at the terminal (Ctrl-C) by itself.
  [[nodiscard]] bool shares_terminal() const { return !x_has_group; }

  /// @returns the exit code, 128 + N when signal N ended it; nothing while it runs.
  std::optional<int> poll();

 private:
  ChildProcess(pid_t id, bool has_group) : x_id{id}, x_has_group{has_group} {}

  pid_t x_id;
  bool x_has_group;
};

/// @returns no_command when there is no such program, so that nobody waits for a typing mistake.
std::optional<Failure> check_program(const std::string& program);

}  // namespace signalbox::cli
