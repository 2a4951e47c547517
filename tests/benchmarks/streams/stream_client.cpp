// Many streams at once from one thread: opens them evenly over a ramp, reads the time of sending
// from each event, and says how long events were on their way.
//
//   stream_client PORT [STREAMS 1000] [TOKENS 200] [RAMP_MS 2000] [LIMIT_S 60]
//
// Prints one line: streams= whole= tokens= missing= p50_us= p99_us= p999_us= max_us= first_p50_us=
// first_p99_us=
#include <algorithm>
#include <vector>

#include "tests/benchmarks/streams/bench_net.hpp"

namespace {

using bench::now_ns;

struct Stream {
  int fd = -1;
  std::int64_t asked_at = 0;
  long tokens = 0;
  bool has_done = false;
  bool is_whole = false;
  /// What of an event has come so far.
  std::string carry;
};

class Client {
 public:
  Client(std::uint16_t port, long streams, long tokens, long ramp_ms, long limit_s)
      : x_address{bench::loopback(port)},
        x_tokens{tokens},
        x_ramp{ramp_ms * 1'000'000},
        x_limit{limit_s * 1'000'000'000},
        x_streams(static_cast<std::size_t>(streams)) {
    x_delays.reserve(static_cast<std::size_t>(streams * tokens));
    x_epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const std::string body =
        R"({"model":"bench","stream":true,"messages":[{"role":"user","content":"Count to two hundred, please."}]})";
    x_request =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
        "application/json\r\n"
        "X-Signalbox-Profile: bench\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void run() {
    const std::int64_t began = now_ns();
    std::size_t opened = 0;
    std::array<epoll_event, 512> events{};
    while (x_ended < x_streams.size() && now_ns() - began < x_limit) {
      const std::int64_t since = now_ns() - began;
      const auto due =
          x_ramp == 0 ? x_streams.size()
                      : std::min(x_streams.size(),
                                 static_cast<std::size_t>(static_cast<double>(x_streams.size()) *
                                                          static_cast<double>(since) /
                                                          static_cast<double>(x_ramp)) +
                                     1);
      for (; opened < due; ++opened) open(opened);
      const int count = ::epoll_wait(x_epoll, events.data(), static_cast<int>(events.size()),
                                     opened < x_streams.size() ? 1 : 100);
      for (int i = 0; i < count; ++i) receive(events[static_cast<std::size_t>(i)].data.u64);
    }
  }

  void print() {
    std::sort(x_delays.begin(), x_delays.end());
    std::sort(x_firsts.begin(), x_firsts.end());
    long tokens = 0;
    long whole = 0;
    for (const Stream& stream : x_streams) {
      tokens += stream.tokens;
      whole += stream.is_whole && stream.tokens == x_tokens ? 1 : 0;
    }
    std::printf(
        "streams=%zu whole=%ld tokens=%ld missing=%ld p50_us=%.0f p99_us=%.0f p999_us=%.0f "
        "max_us=%.0f "
        "first_p50_us=%.0f first_p99_us=%.0f\n",
        x_streams.size(), whole, tokens, static_cast<long>(x_streams.size()) * x_tokens - tokens,
        at(x_delays, 0.5), at(x_delays, 0.99), at(x_delays, 0.999), at(x_delays, 1),
        at(x_firsts, 0.5), at(x_firsts, 0.99));
  }

 private:
  /// Unit: us.
  static double at(const std::vector<std::int64_t>& sorted, double share) {
    if (sorted.empty()) return -1;
    const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
    return static_cast<double>(sorted[index]) / 1e3;
  }

  void open(std::size_t index) {
    Stream& stream = x_streams[index];
    stream.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream.fd < 0) bench::die("socket");
    bench::no_delay(stream.fd);
    // Loopback: connecting takes no time worth an event.
    if (::connect(stream.fd, reinterpret_cast<const sockaddr*>(&x_address), sizeof x_address) != 0)
      bench::die("connect");
    ::fcntl(stream.fd, F_SETFL, O_NONBLOCK);
    stream.asked_at = now_ns();
    if (::send(stream.fd, x_request.data(), x_request.size(), MSG_NOSIGNAL) < 0) bench::die("send");
    bench::watch(x_epoll, EPOLL_CTL_ADD, stream.fd, EPOLLIN, index);
  }

  void end(Stream& stream) {
    ::close(stream.fd);
    stream.fd = -1;
    ++x_ended;
  }

  void receive(std::size_t index) {
    Stream& stream = x_streams[index];
    if (stream.fd < 0) return;
    std::array<char, 16384> buffer;
    const auto got = ::recv(stream.fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return end(stream);
    take(stream, {buffer.data(), static_cast<std::size_t>(got)}, now_ns());
    if (stream.is_whole) end(stream);
  }

  void take(Stream& stream, std::string_view bytes, std::int64_t arrived) {
    stream.carry += bytes;
    std::string_view rest = stream.carry;
    for (;;) {
      const auto line_end = rest.find('\n');
      if (line_end == std::string_view::npos) break;
      const std::string_view line = rest.substr(0, line_end);
      rest.remove_prefix(line_end + 1);
      constexpr std::string_view mark = "\"sent_ns\":";
      if (const auto at_mark = line.find(mark); at_mark != std::string_view::npos) {
        const std::int64_t sent = std::strtoll(line.data() + at_mark + mark.size(), nullptr, 10);
        if (stream.tokens++ == 0)
          x_firsts.push_back(arrived - stream.asked_at);
        else
          x_delays.push_back(arrived - sent);
      } else if (line.starts_with("data: [DONE]")) {
        stream.has_done = true;
      } else if (stream.has_done && line == "0\r") {
        stream.is_whole = true;
      }
    }
    stream.carry.erase(0, stream.carry.size() - rest.size());
  }

  const sockaddr_in x_address;
  const long x_tokens;
  const std::int64_t x_ramp;
  const std::int64_t x_limit;
  std::vector<Stream> x_streams;
  std::size_t x_ended = 0;
  int x_epoll = -1;
  std::string x_request;
  std::vector<std::int64_t> x_delays;
  /// From asking to the first event.
  std::vector<std::int64_t> x_firsts;
};

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "stream_client PORT [STREAMS] [TOKENS] [RAMP_MS] [LIMIT_S]\n");
    return 2;
  }
  Client client{
      static_cast<std::uint16_t>(std::atoi(words[1])),
      bench::number_argument(count, words, 2, 1000), bench::number_argument(count, words, 3, 200),
      bench::number_argument(count, words, 4, 2000), bench::number_argument(count, words, 5, 60)};
  client.run();
  client.print();
}
