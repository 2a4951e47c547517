// What several core tests need: ids and instants from small numbers, and a way to see that a broken
// precondition stops the process instead of being carried on with.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>

#include "core/base/ids.hpp"
#include "core/base/time.hpp"

namespace signalbox::test {

/// Byte order is number order. @pre `number` is not 0, which would be the nil id.
inline TaskId task_id(std::uint64_t number) {
  TaskId id;
  for (unsigned index = 0; index < 8; ++index) {
    id.bytes[8 + index] = static_cast<std::uint8_t>(number >> (56U - 8U * index));
  }
  return id;
}

/// The inverse of task_id().
inline std::uint64_t number_of(TaskId id) {
  std::uint64_t number = 0;
  for (unsigned index = 0; index < 8; ++index) number = (number << 8U) | id.bytes[8 + index];
  return number;
}

constexpr Instant at_s(std::int64_t seconds) {
  return Instant{std::chrono::seconds{seconds}};
}

/// Runs `action` in a child process, so that a broken assert does not end the test program.
/// @returns whether the child came back from it.
template <class Action>
bool survives(Action action) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    // Catch2's handler would report the child's death as the test's own.
    std::signal(SIGABRT, SIG_DFL);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
    action();
    _exit(0);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

}  // namespace signalbox::test
