#include "http/edge/socket.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace signalbox::http {

namespace {

/// Takes `sent` bytes off the front. @returns the parts not sent yet.
std::span<iovec> skip_sent(std::span<iovec> parts, std::size_t sent) {
  while (!parts.empty() && sent >= parts.front().iov_len) {
    sent -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (!parts.empty()) {
    parts.front().iov_base = static_cast<char*>(parts.front().iov_base) + sent;
    parts.front().iov_len -= sent;
  }
  return parts;
}

bool wait_for_room(int fd, TimePoint deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_now()).count();
    if (left <= 0) return false;
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<long>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

TimePoint steady_now() {
  return std::chrono::steady_clock::now();
}

TimePoint pace_deadline(TimePoint began, std::chrono::milliseconds allowance, std::size_t bytes) {
  return began + allowance + std::chrono::milliseconds(bytes * 1000 / bytes_per_second_min);
}

Descriptor::~Descriptor() {
  if (x_fd >= 0) ::close(x_fd);
}

Received receive(int fd, std::span<char> into, Patience patience) {
  const int flags = patience == Patience::none ? MSG_DONTWAIT : 0;
  const auto size = ::recv(fd, into.data(), into.size(), flags);
  if (size > 0) return {Received::Kind::bytes, static_cast<std::size_t>(size)};
  const bool nothing_yet = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return {nothing_yet ? Received::Kind::nothing_yet : Received::Kind::closed, 0};
}

bool send_all(int fd, std::span<iovec> parts, std::chrono::milliseconds allowance) {
  std::size_t total = 0;
  TimePoint began;
  for (parts = skip_sent(parts, 0); !parts.empty();) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const auto sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      total += static_cast<std::size_t>(sent);
      parts = skip_sent(parts, static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    if (allowance == std::chrono::milliseconds(0)) return false;
    // The clock is asked only when the peer is slow.
    if (began == TimePoint{}) began = steady_now();
    if (!wait_for_room(fd, pace_deadline(began, allowance, total))) return false;
  }
  return true;
}

iovec part(std::string_view bytes) {
  // sendmsg() only reads; its interface is older than const.
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

std::string peer_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, NI_MAXHOST> host{};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host.data(), host.size(),
                    nullptr, 0, NI_NUMERICHOST) != 0) {
    return {};
  }
  // An IPv4 client of a dual-stack listener is the same client as elsewhere.
  const std::string_view text = host.data();
  constexpr std::string_view mapped = "::ffff:";
  const bool is_mapped = text.starts_with(mapped) && text.find('.') != std::string_view::npos;
  return std::string(is_mapped ? text.substr(mapped.size()) : text);
}

void reset_on_close(int fd) {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

}  // namespace signalbox::http
