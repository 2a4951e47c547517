// Ends a blocking call from another thread: the socket it waits on is shut down under it.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <mutex>

namespace signalbox::http {

/// One per call. The socket is lent with attach() and taken back with detach() before it is closed
/// or reused, so that cancel() never meets a descriptor that has come to mean something else.
class Cancellation {
 public:
  /// Any thread, any time; returns at once.
  void cancel() {
    const std::scoped_lock lock(x_mutex);
    x_cancelled = true;
    if (x_socket >= 0) ::shutdown(x_socket, SHUT_RDWR);
  }

  [[nodiscard]] bool cancelled() const { return x_cancelled; }

  /// @returns false when the call is cancelled already; the socket is not taken then.
  [[nodiscard]] bool attach(int socket) {
    const std::scoped_lock lock(x_mutex);
    if (x_cancelled) return false;
    x_socket = socket;
    return true;
  }

  /// @returns false when cancel() has come: the socket may be shut down and must not be used again.
  bool detach() {
    const std::scoped_lock lock(x_mutex);
    x_socket = -1;
    return !x_cancelled;
  }

 private:
  std::mutex x_mutex;
  std::atomic<bool> x_cancelled = false;
  int x_socket = -1;
};

}  // namespace signalbox::http
