// How a command ends: the exit codes, and what the daemon's errors mean in them.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace signalbox::cli {

/// Scripts depend on them; `signalbox --help` and docs/cli.md list them.
enum class ExitCode : int {
  ok = 0,
  failure = 1,
  /// Wrong arguments, or a configuration with errors.
  usage = 2,
  /// Cancelled, or timed out waiting.
  timed_out = 3,
  /// No key, a wrong one, or no grant.
  auth = 4,
  unreachable = 5,
  /// Queue full, or the daemon is shutting down.
  rejected = 6,
  /// The task was taken and ended as failed.
  task_failed = 7,
  /// The slot was lost while the command that held it ran, as with timeout(1).
  slot_lost = 124,
  /// There is such a command, but it cannot be run.
  cannot_run = 126,
  no_command = 127,
  interrupted = 130,
};

constexpr int to_int(ExitCode code) {
  return static_cast<int>(code);
}

struct Failure {
  ExitCode exit_code = ExitCode::failure;
  /// For stderr, without a line end.
  std::string message;
  /// The daemon's word for it (`llm_not_found`); empty when the daemon did not say it.
  std::string code = {};
  friend bool operator==(const Failure&, const Failure&) = default;
};

/// Only `.value()` on a failed result comes here; the commands ask first, so this is a bug.
[[noreturn]] void throw_exception_from_error(const Failure& failure,
                                             const boost::source_location& where);

template <class T>
using Outcome = boost::system::result<T, Failure>;

/// @returns the exit code of an error with that wire word; by its status when the word is unknown.
ExitCode to_exit_code(std::string_view wire_code, int status);

/// @param body the daemon's answer, `{"error":{...}}`; anything else is shown as it is, shortened.
Failure to_failure(int status, std::string_view body);

/// Prints the message to stderr. @returns the exit code.
int report(const Failure& failure);

/// @returns `text` without control characters (each a `?`), so that what a server says cannot drive
/// the terminal. Line ends and tabs stay only with `keep_lines`.
std::string to_printable(std::string_view text, bool keep_lines = false);

}  // namespace signalbox::cli
