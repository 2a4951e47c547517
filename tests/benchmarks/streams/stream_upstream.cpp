// A fake LLM server: every POST is answered with a stream of events at a fixed pace, each of which
// says when it was sent. One thread, one epoll, one queue of what is due.
//
//   stream_upstream PORT [TOKENS 200] [INTERVAL_MS 100]
#include <queue>
#include <unordered_map>
#include <vector>

#include "tests/benchmarks/streams/bench_net.hpp"

namespace {

using bench::now_ns;

struct Peer {
  std::uint64_t id = 0;
  std::string received;
  long tokens_left = 0;
};

struct Due {
  std::int64_t at = 0;
  int fd = -1;
  std::uint64_t peer = 0;
  bool operator>(const Due& other) const { return at > other.at; }
};

class Upstream {
 public:
  Upstream(std::uint16_t port, long tokens, long interval_ms)
      : x_tokens{tokens}, x_interval{interval_ms * 1'000'000} {
    x_listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(x_listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto address = bench::loopback(port);
    if (::bind(x_listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(x_listener, 4096) != 0) {
      bench::die("listen");
    }
    x_epoll = ::epoll_create1(EPOLL_CLOEXEC);
    bench::watch(x_epoll, EPOLL_CTL_ADD, x_listener, EPOLLIN,
                 static_cast<std::uint64_t>(x_listener));
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      send_due();
      const int count = ::epoll_pwait2(x_epoll, events.data(), static_cast<int>(events.size()),
                                       until_next(), nullptr);
      for (int i = 0; i < count; ++i) {
        const int fd = static_cast<int>(events[static_cast<std::size_t>(i)].data.u64);
        fd == x_listener ? accept_all() : receive(fd);
      }
    }
  }

 private:
  /// @returns null when nothing is due ever.
  const timespec* until_next() {
    if (x_due.empty()) return nullptr;
    const std::int64_t left = std::max<std::int64_t>(x_due.top().at - now_ns(), 0);
    x_left.tv_sec = left / 1'000'000'000;
    x_left.tv_nsec = left % 1'000'000'000;
    return &x_left;
  }

  void accept_all() {
    for (;;) {
      const int fd = ::accept4(x_listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      bench::no_delay(fd);
      x_peers[fd] = Peer{.id = ++x_last_id, .received = {}, .tokens_left = 0};
      bench::watch(x_epoll, EPOLL_CTL_ADD, fd, EPOLLIN, static_cast<std::uint64_t>(fd));
    }
  }

  void drop(int fd) {
    ::close(fd);
    x_peers.erase(fd);
  }

  void receive(int fd) {
    const auto place = x_peers.find(fd);
    if (place == x_peers.end()) return;
    std::array<char, 16384> buffer;
    const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return drop(fd);
    std::string& text = place->second.received;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    const auto head_end = text.find("\r\n\r\n");
    if (head_end == std::string::npos) return;
    std::size_t body = 0;
    if (const auto at = text.find("ontent-Length:"); at < head_end)
      body = std::strtoul(text.c_str() + at + 14, nullptr, 10);
    if (text.size() < head_end + 4 + body) return;
    const bool is_call = text.starts_with("POST");
    text.clear();
    is_call ? begin(fd, place->second) : list(fd);
  }

  static void list(int fd) {
    constexpr std::string_view body =
        R"({"object":"list","data":[{"id":"bench","object":"model"}]})";
    const std::string reply =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
    static_cast<void>(::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL));
  }

  void begin(int fd, Peer& peer) {
    constexpr std::string_view head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "Transfer-Encoding: chunked\r\n\r\n";
    static_cast<void>(::send(fd, head.data(), head.size(), MSG_NOSIGNAL));
    peer.tokens_left = x_tokens;
    x_due.push({now_ns(), fd, peer.id});
  }

  void send_due() {
    while (!x_due.empty() && x_due.top().at <= now_ns()) {
      Due due = x_due.top();
      x_due.pop();
      const auto place = x_peers.find(due.fd);
      if (place == x_peers.end() || place->second.id != due.peer) continue;
      Peer& peer = place->second;
      const bool is_last = --peer.tokens_left == 0;
      std::array<char, 512> event;
      const int size = std::snprintf(
          event.data(), event.size(),
          "data: "
          "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
          "\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},"
          "\"finish_reason\":%s}],\"sent_ns\":%lld}\n\n%s",
          is_last ? "\"stop\"" : "null", static_cast<long long>(now_ns()),
          is_last ? "data: [DONE]\n\n" : "");
      std::array<char, 640> chunk;
      const int total =
          std::snprintf(chunk.data(), chunk.size(), "%x\r\n%.*s\r\n%s", static_cast<unsigned>(size),
                        size, event.data(), is_last ? "0\r\n\r\n" : "");
      if (::send(due.fd, chunk.data(), static_cast<std::size_t>(total), MSG_NOSIGNAL) != total) {
        drop(due.fd);
        continue;
      }
      if (is_last) continue;
      due.at += x_interval;
      x_due.push(due);
    }
  }

  const long x_tokens;
  const std::int64_t x_interval;
  int x_listener = -1;
  int x_epoll = -1;
  timespec x_left{};
  std::uint64_t x_last_id = 0;
  std::unordered_map<int, Peer> x_peers;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> x_due;
};

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "stream_upstream PORT [TOKENS] [INTERVAL_MS]\n");
    return 2;
  }
  Upstream{static_cast<std::uint16_t>(std::atoi(words[1])),
           bench::number_argument(count, words, 2, 200),
           bench::number_argument(count, words, 3, 100)}
      .run();
}
