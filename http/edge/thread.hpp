// Threads of the edge: a stack of known size whatever `ulimit -s` says, a name for top(1), no
// signals (those are the main thread's), and a creation that may fail without ending the process.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>

namespace signalbox::http {

/// Generous because handlers parse nested JSON; untouched pages cost nothing.
inline constexpr std::size_t thread_stack_bytes = 8 * 1024 * 1024;

/// Joins in its destructor.
class Thread {
 public:
  Thread() = default;
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&& other) noexcept;
  ~Thread() { join(); }

  /// @param name at most 15 characters. @returns false when the system has no thread to give.
  /// @pre not running.
  bool start(const char* name, std::function<void()> body);
  void join();

 private:
  pthread_t x_handle{};
  bool x_running = false;
};

}  // namespace signalbox::http
