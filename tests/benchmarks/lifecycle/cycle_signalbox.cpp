// Life cycles of tasks in the broker: enqueue, acknowledged when durable; pushed to a bound worker
// over its channel; result, acknowledged when durable.
//
// RATE: enqueues a second over all producers; 0 = as many as they can.
//
//   cycle_signalbox PORT [SECONDS 5] [PRODUCERS 64] [WORKERS 8] [CAPACITY 16] [RATE 0]
#include <deque>

#include "tests/benchmarks/lifecycle/load.hpp"

namespace {

using bench::now_ns;

std::string post(const std::string& path, const std::string& body) {
  return "POST " + path +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// `before` and `after` with as much between them as makes a body.
std::string padded(const std::string& before, const std::string& after) {
  return before + std::string(bench::body_bytes - before.size() - after.size(), 'x') + after;
}

/// Takes one whole answer from the front of `bytes`. @returns false when it is not all there;
/// gives up on another status.
bool take_answer(std::string& bytes, const char* status, std::string* body = nullptr) {
  const auto head = bytes.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  if (bytes.compare(9, 3, status) != 0) bench::give_up(bytes);
  const auto length = bytes.find("Content-Length: ");
  if (length == std::string::npos || length > head) bench::give_up(bytes);
  const auto size = std::strtoul(bytes.c_str() + length + 16, nullptr, 10);
  if (bytes.size() < head + 4 + size) return false;
  if (body != nullptr) *body = bytes.substr(head + 4, size);
  bytes.erase(0, head + 4 + size);
  return true;
}

class Load {
 public:
  Load(std::uint16_t port, long seconds, long producers, long workers, long capacity, long rate)
      : x_epoll{::epoll_create1(EPOLL_CLOEXEC)}, x_port{port}, x_rate{rate} {
    x_enqueue = post("/api/v1/inference-tasks",
                     padded(R"({"model":"bench","request":{"model":"bench","messages":[)"
                            R"({"role":"user","content":")",
                            R"("}]}})"));
    x_result = padded(R"({"status":200,"body":{"object":"chat.completion","choices":[{"index":0,)"
                      R"("finish_reason":"stop","message":{"role":"assistant","content":")",
                      R"("}}]}})");
    for (long i = 0; i < workers; ++i) bind_worker(i, capacity);
    for (long i = 0; i < workers * capacity; ++i) add_poster();
    for (long i = 0; i < producers; ++i) add_producer();
    x_tally = bench::Tally{seconds};
    x_began = now_ns();
  }

  void run() {
    while (!x_tally.is_over() || !x_tally.is_drained()) {
      if (x_tally.is_out_of_patience()) bench::give_up("tasks are not completed");
      enqueue();
      bench::wait_for_bytes(x_epoll, x_rate == 0 ? 100 : 1);
    }
    x_tally.print();
  }

 private:
  struct Producer {
    std::unique_ptr<bench::Link> link;
    std::int64_t asked_at = 0;
  };
  struct Worker {
    std::unique_ptr<bench::Link> link;
    std::string path;
    bool has_head = false;
    /// Of the events so far, out of their chunks.
    std::string events;
  };
  /// A connection for results.
  struct Poster {
    std::unique_ptr<bench::Link> link;
  };

  /// Registers, opens the channel, waits for its head.
  void bind_worker(long number, long capacity) {
    Worker& worker = *x_workers.emplace_back(std::make_unique<Worker>());
    bool is_done = false;
    std::string body;
    bench::Link registration{
        x_epoll, x_port, [&](std::string& bytes) { is_done = take_answer(bytes, "201", &body); }};
    registration.send(post("/api/v1/workers",
                           R"({"session":null,"llms":[{"name":"bench-)" + std::to_string(number) +
                               R"(","type":"openai","model":"m","pool":"bench","capacity":)" +
                               std::to_string(capacity) + "}]}"));
    while (!is_done) bench::wait_for_bytes(x_epoll);
    constexpr std::string_view name = R"("session":")";
    const auto at = body.find(name) + name.size();
    worker.path = "/api/v1/workers/" + body.substr(at, body.find('"', at) - at);
    worker.link = std::make_unique<bench::Link>(
        x_epoll, x_port, [this, &worker](std::string& bytes) { take_frames(worker, bytes); });
    worker.link->send("GET " + worker.path + "/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    while (!worker.has_head) bench::wait_for_bytes(x_epoll);
  }

  void add_poster() {
    auto* const poster = x_posters.emplace_back(std::make_unique<Poster>()).get();
    poster->link =
        std::make_unique<bench::Link>(x_epoll, x_port, [this, poster](std::string& bytes) {
          if (!take_answer(bytes, "200")) return;
          x_tally.completed();
          x_idle_posters.push_back(poster);
          post_results();
          enqueue();
        });
    x_idle_posters.push_back(poster);
  }

  void add_producer() {
    auto* const producer = x_producers.emplace_back(std::make_unique<Producer>()).get();
    producer->link =
        std::make_unique<bench::Link>(x_epoll, x_port, [this, producer](std::string& bytes) {
          if (!take_answer(bytes, "201")) return;
          x_tally.acknowledged(producer->asked_at);
          x_idle_producers.push_back(producer);
          enqueue();
        });
    x_idle_producers.push_back(producer);
  }

  [[nodiscard]] bool is_due() const {
    return x_rate == 0 || x_sent * 1'000'000'000 <= (now_ns() - x_began) * x_rate;
  }

  void enqueue() {
    while (!x_idle_producers.empty() && x_tally.may_enqueue() && !x_tally.is_over() && is_due()) {
      Producer& producer = *x_idle_producers.back();
      x_idle_producers.pop_back();
      ++x_sent;
      x_tally.enqueued();
      producer.asked_at = now_ns();
      producer.link->send(x_enqueue);
    }
  }

  void post_results() {
    while (!x_results.empty() && !x_idle_posters.empty()) {
      x_idle_posters.back()->link->send(post(x_results.front(), x_result));
      x_idle_posters.pop_back();
      x_results.pop_front();
    }
  }

  void take_frames(Worker& worker, std::string& bytes) {
    if (!worker.has_head) {
      const auto head = bytes.find("\r\n\r\n");
      if (head == std::string::npos) return;
      if (bytes.compare(9, 3, "200") != 0) bench::give_up(bytes);
      bytes.erase(0, head + 4);
      worker.has_head = true;
    }
    unchunk(bytes, worker.events);
    std::string_view rest = worker.events;
    for (auto end = rest.find("\n\n"); end != std::string_view::npos; end = rest.find("\n\n")) {
      take_event(worker, rest.substr(0, end));
      rest.remove_prefix(end + 2);
    }
    worker.events.erase(0, worker.events.size() - rest.size());
    post_results();
  }

  static void unchunk(std::string& bytes, std::string& into) {
    std::size_t used = 0;
    for (;;) {
      const auto line = bytes.find("\r\n", used);
      if (line == std::string::npos) break;
      const auto size = std::strtoul(bytes.c_str() + used, nullptr, 16);
      if (size == 0) bench::give_up("a channel was closed");
      if (bytes.size() < line + 2 + size + 2) break;
      into.append(bytes, line + 2, size);
      used = line + 2 + size + 2;
    }
    bytes.erase(0, used);
  }

  void take_event(const Worker& worker, std::string_view event) {
    if (!event.starts_with("event: infer\n")) return;
    constexpr std::string_view name = R"("task":")";
    const auto at = event.find(name) + name.size();
    x_results.push_back(worker.path + "/tasks/" +
                        std::string{event.substr(at, event.find('"', at) - at)} + "/result");
  }

  int x_epoll;
  std::uint16_t x_port;
  long x_rate;
  std::int64_t x_began = 0;
  std::int64_t x_sent = 0;
  bench::Tally x_tally{0};
  std::string x_enqueue;
  std::string x_result;
  std::vector<std::unique_ptr<Worker>> x_workers;
  std::vector<std::unique_ptr<Producer>> x_producers;
  std::vector<std::unique_ptr<Poster>> x_posters;
  std::vector<Producer*> x_idle_producers;
  std::vector<Poster*> x_idle_posters;
  /// Paths for results that wait for a connection.
  std::deque<std::string> x_results;
};

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr,
                 "cycle_signalbox PORT [SECONDS] [PRODUCERS] [WORKERS] [CAPACITY] [RATE]\n");
    return 2;
  }
  Load{static_cast<std::uint16_t>(std::atoi(words[1])), bench::number_argument(count, words, 2, 5),
       bench::number_argument(count, words, 3, 64),     bench::number_argument(count, words, 4, 8),
       bench::number_argument(count, words, 5, 16),     bench::number_argument(count, words, 6, 0)}
      .run();
}
