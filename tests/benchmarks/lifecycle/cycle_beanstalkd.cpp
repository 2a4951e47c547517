// Life cycles of jobs in beanstalkd: put, acknowledged when in its log; reserve; delete, likewise.
//
//   cycle_beanstalkd PORT [SECONDS 5] [PRODUCERS 64] [WORKERS 128]
#include "tests/benchmarks/lifecycle/load.hpp"

namespace {

using bench::now_ns;

class Load {
 public:
  Load(std::uint16_t port, long seconds, long producers, long workers)
      : x_epoll{::epoll_create1(EPOLL_CLOEXEC)}, x_tally{seconds} {
    x_put = "put 0 0 600 " + std::to_string(bench::body_bytes) + "\r\n" +
            std::string(bench::body_bytes, 'x') + "\r\n";
    for (long i = 0; i < producers; ++i) {
      auto* const producer = x_producers.emplace_back(std::make_unique<Producer>()).get();
      producer->link = std::make_unique<bench::Link>(
          x_epoll, port, [this, producer](std::string& bytes) { answered(*producer, bytes); });
      x_idle.push_back(producer);
    }
    for (long i = 0; i < workers; ++i) {
      auto& worker = x_workers.emplace_back(std::make_unique<Worker>());
      worker->link = std::make_unique<bench::Link>(
          x_epoll, port, [this, each = worker.get()](std::string& bytes) { work(*each, bytes); });
      worker->link->send("reserve\r\n");
    }
  }

  void run() {
    while (!x_tally.is_over() || !x_tally.is_drained()) {
      if (x_tally.is_out_of_patience()) bench::give_up("jobs are not completed");
      enqueue();
      bench::wait_for_bytes(x_epoll);
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
  };

  void enqueue() {
    while (!x_idle.empty() && x_tally.may_enqueue() && !x_tally.is_over()) {
      Producer& producer = *x_idle.back();
      x_idle.pop_back();
      x_tally.enqueued();
      producer.asked_at = now_ns();
      producer.link->send(x_put);
    }
  }

  void answered(Producer& producer, std::string& bytes) {
    if (!bytes.ends_with("\r\n")) return;
    if (!bytes.starts_with("INSERTED ")) bench::give_up(bytes);
    bytes.clear();
    x_tally.acknowledged(producer.asked_at);
    x_idle.push_back(&producer);
    enqueue();
  }

  void work(Worker& worker, std::string& bytes) {
    const auto end = bytes.find("\r\n");
    if (end == std::string::npos) return;
    if (bytes.starts_with("DELETED")) {
      bytes.clear();
      x_tally.completed();
      worker.link->send("reserve\r\n");
      return enqueue();
    }
    constexpr std::string_view reserved = "RESERVED ";
    if (!bytes.starts_with(reserved)) bench::give_up(bytes);
    if (bytes.size() < end + 2 + bench::body_bytes + 2) return;
    const auto id =
        bytes.substr(reserved.size(), bytes.find(' ', reserved.size()) - reserved.size());
    bytes.clear();
    worker.link->send("delete " + id + "\r\n");
  }

  int x_epoll;
  bench::Tally x_tally;
  std::string x_put;
  std::vector<std::unique_ptr<Producer>> x_producers;
  std::vector<Producer*> x_idle;
  std::vector<std::unique_ptr<Worker>> x_workers;
};

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "cycle_beanstalkd PORT [SECONDS] [PRODUCERS] [WORKERS]\n");
    return 2;
  }
  Load{static_cast<std::uint16_t>(std::atoi(words[1])), bench::number_argument(count, words, 2, 5),
       bench::number_argument(count, words, 3, 64), bench::number_argument(count, words, 4, 128)}
      .run();
}
