// The few things done to a TCP socket, each bounded in time.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace signalbox::http {

using TimePoint = std::chrono::steady_clock::time_point;

/// The edge's only clock; deadlines of sockets are real time, whatever time the actors live in.
TimePoint steady_now();

/// A peer that has used up its allowance of time may go on as long as it keeps this pace on
/// average.
inline constexpr std::size_t bytes_per_second_min = 16 * 1024;

/// @returns until when a transfer that began at `began` and has moved `bytes` may go on.
TimePoint pace_deadline(TimePoint began, std::chrono::milliseconds allowance, std::size_t bytes);

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : x_fd(fd) {}
  Descriptor(Descriptor&& other) noexcept : x_fd(std::exchange(other.x_fd, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(x_fd, other.x_fd);
    return *this;
  }
  ~Descriptor();

  [[nodiscard]] int get() const { return x_fd; }
  explicit operator bool() const { return x_fd >= 0; }

 private:
  int x_fd = -1;
};

enum class Patience {
  /// Only what is there.
  none,
  /// As long as the socket's SO_RCVTIMEO.
  socket,
};

struct Received {
  enum class Kind { bytes, nothing_yet, closed };
  Kind kind = Kind::closed;
  std::size_t size = 0;
};

Received receive(int fd, std::span<char> into, Patience patience);

/// Sends all parts as one, waiting for room where it must; with an allowance of 0 it never waits.
/// @param parts is used up.
/// @returns false when the peer is gone or took it slower than pace_deadline() allows.
bool send_all(int fd, std::span<iovec> parts, std::chrono::milliseconds allowance);

/// @returns the part of send_all() that points at `bytes`.
iovec part(std::string_view bytes);

/// @returns the numeric address of the other side, empty when it is gone.
std::string peer_address(int fd);

/// Makes closing `fd` a reset, so that the peer cannot take what it has for a whole answer.
void reset_on_close(int fd);

}  // namespace signalbox::http
