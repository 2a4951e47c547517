// What the load of every server has in common: when it counts, how far producers may be ahead of
// workers, what is printed; and a connection that sends whole requests and reads what comes.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "tests/benchmarks/streams/bench_net.hpp"

namespace bench {

/// Bytes of a request's and of a result's body.
inline constexpr std::size_t body_bytes = 2048;
/// Enqueued and not completed at most. Twice what all workers hold: they never lack work, and
/// producers that are quicker do not pile up a backlog instead of cycles.
inline constexpr long ahead_max = 256;
inline constexpr std::int64_t warm_up_ns = 1'000'000'000;
/// For the last tasks to be completed.
inline constexpr std::int64_t patience_ns = 30'000'000'000;

/// Counts from the end of the warm-up until the time is over; single-threaded, or one per thread.
class Tally {
 public:
  explicit Tally(long seconds)
      : x_from{now_ns() + warm_up_ns}, x_until{x_from + seconds * 1'000'000'000} {}

  [[nodiscard]] bool is_over() const { return now_ns() >= x_until; }
  [[nodiscard]] bool is_out_of_patience() const { return now_ns() >= x_until + patience_ns; }
  [[nodiscard]] bool may_enqueue() const { return x_enqueued - x_completed < ahead_max; }
  [[nodiscard]] bool is_drained() const { return x_acknowledged == x_completed; }

  void enqueued() { ++x_enqueued; }
  void acknowledged(std::int64_t asked_at) {
    ++x_acknowledged;
    const auto now = now_ns();
    if (asked_at >= x_from && now < x_until) x_waits.push_back(now - asked_at);
  }
  void completed() {
    ++x_completed;
    const auto now = now_ns();
    if (now >= x_from && now < x_until) ++x_counted;
  }
  void add(const Tally& other) {
    x_counted += other.x_counted;
    x_completed += other.x_completed;
    x_waits.insert(x_waits.end(), other.x_waits.begin(), other.x_waits.end());
  }

  /// `all` = warm-up and end included.
  void print() {
    std::sort(x_waits.begin(), x_waits.end());
    const auto at = [&](double share) {
      if (x_waits.empty()) return -1.0;
      const auto last = static_cast<double>(x_waits.size() - 1);
      return static_cast<double>(x_waits[static_cast<std::size_t>(share * last)]) / 1e3;
    };
    std::printf("cycles=%ld all=%ld seconds=%.3f enqueue_p50_us=%.0f enqueue_p99_us=%.0f\n",
                x_counted, x_completed, static_cast<double>(x_until - x_from) / 1e9, at(0.5),
                at(0.99));
  }

 private:
  std::int64_t x_from;
  std::int64_t x_until;
  long x_enqueued = 0;
  long x_acknowledged = 0;
  long x_completed = 0;
  long x_counted = 0;
  std::vector<std::int64_t> x_waits;
};

/// Requests are small and answered before the next: a send that does not take all of one is an
/// error.
class Link {
 public:
  /// @param on_bytes takes what has come so far and erases what it used.
  Link(int epoll, std::uint16_t port, std::function<void(std::string&)> on_bytes)
      : x_on_bytes{std::move(on_bytes)} {
    x_fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (x_fd < 0) die("socket");
    no_delay(x_fd);
    const auto address = loopback(port);
    if (::connect(x_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      die("connect");
    ::fcntl(x_fd, F_SETFL, O_NONBLOCK);
    watch(epoll, EPOLL_CTL_ADD, x_fd, EPOLLIN, reinterpret_cast<std::uint64_t>(this));
  }
  ~Link() { ::close(x_fd); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void send(const std::string& bytes) const {
    if (::send(x_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      die("send");
    }
  }

  void receive() {
    std::array<char, 65536> buffer;
    const auto got = ::recv(x_fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) die("recv: the server closed a connection");
    x_received.append(buffer.data(), static_cast<std::size_t>(got));
    x_on_bytes(x_received);
  }

 private:
  int x_fd = -1;
  std::function<void(std::string&)> x_on_bytes;
  std::string x_received;
};

/// Hands what comes to the links.
inline void wait_for_bytes(int epoll, int patience_ms = 100) {
  std::array<epoll_event, 256> events{};
  const int count =
      ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), patience_ms);
  for (int i = 0; i < count; ++i) {
    reinterpret_cast<Link*>(events[static_cast<std::size_t>(i)].data.u64)->receive();
  }
}

/// Ends the program: the server said what it should not.
[[noreturn]] inline void give_up(const std::string& said) {
  std::fprintf(stderr, "unexpected: %.600s\n", said.c_str());
  std::exit(1);
}

}  // namespace bench
