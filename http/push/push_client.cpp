#include "http/push/push_client.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "http/push/push_call.hpp"
#include "http/upstream/base_url.hpp"
#include "http/upstream/call_threads.hpp"
#include "http/upstream/upstream_exchange.hpp"

namespace signalbox::http {

namespace {

/// Kept per worker after a burst, for a few seconds.
constexpr std::size_t idle_connections_max = 64;

struct Worker {
  explicit Worker(BaseUrl url) : base(std::move(url)), pool(base, idle_connections_max) {}
  const BaseUrl base;
  ConnectionPool pool;
};

BackendFailed too_many_calls() {
  return {
      .error = make_error(ErrorCode::backend_unreachable, "too many calls to push workers at once"),
      .retryable = true};
}

}  // namespace

/// All workers there are handles for, and the calls to them.
class PushClient::Workers {
 public:
  explicit Workers(PushOptions options)
      : x_options(options), x_calls(x_options.max_calls, [this] { prune(); }) {}

  std::shared_ptr<Worker> at(const PushTarget& target);
  std::uint64_t start(std::shared_ptr<Worker> worker, std::string model, BackendCall call,
                      const BackendListener& listener);
  CallThreads& calls() { return x_calls; }
  [[nodiscard]] std::size_t count() const;

 private:
  /// Closes idle connections and forgets workers that nobody holds any more.
  void prune();

  const PushOptions x_options;
  mutable std::mutex x_mutex;
  std::map<std::pair<std::string, std::uint16_t>, std::weak_ptr<Worker>> x_workers;
  // Last, so that its threads end first.
  CallThreads x_calls;
};

std::shared_ptr<Worker> PushClient::Workers::at(const PushTarget& target) {
  const std::scoped_lock lock(x_mutex);
  auto& known = x_workers[{target.host, target.port}];
  auto worker = known.lock();
  if (!worker) {
    worker = std::make_shared<Worker>(
        BaseUrl{.https = false, .host = target.host, .port = target.port, .path_prefix = {}});
    known = worker;
  }
  return worker;
}

std::uint64_t PushClient::Workers::start(std::shared_ptr<Worker> worker, std::string model,
                                         BackendCall call, const BackendListener& listener) {
  auto work = std::make_shared<PushCall>(x_options, worker->base, std::move(model), worker->pool,
                                         std::move(call), listener);
  return x_calls.start(
      [worker = std::move(worker), work, listener](Cancellation& cancellation) -> CallThreads::Job {
        return [listener, last = work->run(cancellation)]() mutable { listener(std::move(last)); };
      },
      [listener] { listener(too_many_calls()); });
}

void PushClient::Workers::prune() {
  std::vector<std::shared_ptr<Worker>> held;
  {
    const std::scoped_lock lock(x_mutex);
    std::erase_if(x_workers, [](const auto& entry) { return entry.second.expired(); });
    for (const auto& [where, known] : x_workers)
      if (auto worker = known.lock()) held.push_back(std::move(worker));
  }
  for (const auto& worker : held) worker->pool.prune();
}

std::size_t PushClient::Workers::count() const {
  const std::scoped_lock lock(x_mutex);
  return static_cast<std::size_t>(
      std::count_if(x_workers.begin(), x_workers.end(),
                    [](const auto& entry) { return !entry.second.expired(); }));
}

class PushClient::Handle final : public Backend {
 public:
  Handle(std::shared_ptr<Workers> workers, PushTarget target)
      : x_workers(std::move(workers)),
        x_worker(x_workers->at(target)),
        x_model(std::move(target.model)) {}

  std::uint64_t start(BackendCall call, BackendListener listener) override {
    return x_workers->start(x_worker, x_model, std::move(call), listener);
  }

  void cancel(std::uint64_t call_number) override { x_workers->calls().cancel(call_number); }

  void list_models(std::function<void(Result<std::vector<BackendModel>>)> done) override {
    const CallThreads::Job answer = [done = std::move(done)] {
      done(make_error(ErrorCode::backend_error,
                      "a push worker lists no models: its heartbeats name them"));
    };
    x_workers->calls().start([answer](Cancellation&) { return answer; }, answer);
  }

 private:
  const std::shared_ptr<Workers> x_workers;
  const std::shared_ptr<Worker> x_worker;
  const std::string x_model;
};

PushClient::PushClient(PushOptions options) : x_workers(std::make_shared<Workers>(options)) {}

PushClient::~PushClient() {
  x_workers->calls().stop();
}

std::shared_ptr<Backend> PushClient::backend_for(PushTarget target) {
  return std::make_shared<Handle>(x_workers, std::move(target));
}

std::size_t PushClient::calls_in_progress() const {
  return x_workers->calls().count();
}

std::size_t PushClient::workers() const {
  return x_workers->count();
}

}  // namespace signalbox::http
