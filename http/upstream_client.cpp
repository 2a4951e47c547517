#include "http/upstream_client.hpp"

#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "http/cancellation.hpp"
#include "http/elastic_threads.hpp"
#include "http/upstream_call.hpp"
#include "http/upstream_errors.hpp"
#include "http/upstream_exchange.hpp"

namespace signalbox::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds thread_idle_time{30'000};
constexpr milliseconds prune_interval{2'000};
/// A call that has ended keeps its thread while its last event starts the next call; lists need a
/// few as well.
constexpr std::size_t threads_per_call = 2;
constexpr std::size_t lists_max = 4;

constexpr SocketTimeouts list_timeouts{
    .connect = milliseconds(2'000), .read = milliseconds(5'000), .write = milliseconds(5'000)};
constexpr milliseconds list_time_max{10'000};
constexpr std::size_t list_bytes_max = 1024 * 1024;

/// Collects the answer to GET /v1/models.
class ModelListReader final : public AnswerReader {
 public:
  Next on_head(const AnswerHead& head) override {
    x_head = head;
    return Next::more;
  }
  Next on_body(std::string_view piece) override {
    x_body += piece;
    return x_body.size() <= list_bytes_max ? Next::more : Next::stop;
  }
  void on_drained() override {}

  [[nodiscard]] Result<std::vector<BackendModel>> conclude(const ExchangeResult& result) const {
    if (result.end != ExchangeResult::End::complete && result.end != ExchangeResult::End::stopped)
      return exchange_failure(result, x_head.status != 0, false).error;
    if (x_head.status < 200 || x_head.status >= 300)
      return status_failure(x_head.status, x_body, x_head.retry_after).error;
    if (result.end == ExchangeResult::End::stopped)
      return answer_failure("the backend's list of models is too large", x_head.status, false)
          .error;
    return parse_model_list(x_body);
  }

 private:
  AnswerHead x_head;
  std::string x_body;
};

Error too_many_calls() {
  return make_error(ErrorCode::backend_unreachable, "too many calls to this backend at once");
}

/// A key read from a file or a variable often ends in a line break.
std::string trimmed_key(const std::string& key) {
  const auto first = key.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return key.substr(first, key.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

class HttpBackend::Impl {
 public:
  explicit Impl(UpstreamOptions options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::uint64_t start(BackendCall call, BackendListener listener);
  void cancel(std::uint64_t number);
  void list_models(std::function<void(Result<std::vector<BackendModel>>)> done);

  [[nodiscard]] std::size_t calls_in_progress() const;
  [[nodiscard]] std::uint64_t connects() const { return x_pool.connects(); }

 private:
  using Job = ElasticThreads::Job;

  enum class Kind : std::uint8_t { call, list };
  struct Running {
    Kind kind;
    std::shared_ptr<Cancellation> cancellation;
  };
  struct Entry {
    std::uint64_t number;
    /// False when there are too many of its kind.
    bool admitted;
  };

  /// Gives a number and, when there is room, registers.
  Entry enter(Kind kind, const std::shared_ptr<Cancellation>& cancellation);
  void leave(std::uint64_t number);
  /// Runs a short job on the housekeeper.
  void run_aside(Job job);
  void keep_house();

  const UpstreamOptions x_options;
  ConnectionPool x_pool;
  mutable std::mutex x_mutex;
  std::uint64_t x_next_number = 1;
  std::unordered_map<std::uint64_t, Running> x_running;
  std::size_t x_lists = 0;
  std::condition_variable x_aside_or_stop;
  std::deque<Job> x_aside;
  bool x_stopping = false;
  bool x_has_housekeeper = false;
  // Last, so that they end first.
  ElasticThreads x_threads;
  ElasticThreads x_housekeeper;
};

HttpBackend::Impl::Impl(UpstreamOptions options)
    : x_options(std::move(options)),
      x_pool(x_options.base, x_options.max_calls),
      x_threads(x_options.max_calls * threads_per_call + lists_max, thread_idle_time),
      x_housekeeper(1, thread_idle_time) {
  x_has_housekeeper = x_housekeeper.run([this] { keep_house(); });
}

HttpBackend::Impl::~Impl() {
  const std::scoped_lock lock(x_mutex);
  x_stopping = true;
  for (const auto& [number, running] : x_running) running.cancellation->cancel();
  x_aside_or_stop.notify_all();
}

HttpBackend::Impl::Entry HttpBackend::Impl::enter(
    Kind kind, const std::shared_ptr<Cancellation>& cancellation) {
  const std::scoped_lock lock(x_mutex);
  const std::uint64_t number = x_next_number++;
  const bool admitted =
      kind == Kind::list ? x_lists < lists_max : x_running.size() - x_lists < x_options.max_calls;
  if (admitted) {
    x_running.emplace(number, Running{.kind = kind, .cancellation = cancellation});
    if (kind == Kind::list) ++x_lists;
  }
  return {.number = number, .admitted = admitted};
}

void HttpBackend::Impl::leave(std::uint64_t number) {
  const std::scoped_lock lock(x_mutex);
  const auto found = x_running.find(number);
  if (found == x_running.end()) return;
  if (found->second.kind == Kind::list) --x_lists;
  x_running.erase(found);
}

std::uint64_t HttpBackend::Impl::start(BackendCall call, BackendListener listener) {
  auto cancellation = std::make_shared<Cancellation>();
  const auto [number, admitted] = enter(Kind::call, cancellation);
  auto work = std::make_shared<UpstreamCall>(x_options, x_pool, std::move(call), listener);
  const bool started =
      admitted && x_threads.run([this, number = number, work, listener, cancellation] {
        BackendEvent last = work->run(*cancellation);
        leave(number);
        listener(std::move(last));
      });
  if (!started) {
    leave(number);
    run_aside([listener = std::move(listener)] {
      listener(BackendFailed{.error = too_many_calls(), .retryable = true});
    });
  }
  return number;
}

void HttpBackend::Impl::cancel(std::uint64_t number) {
  std::shared_ptr<Cancellation> cancellation;
  {
    const std::scoped_lock lock(x_mutex);
    const auto found = x_running.find(number);
    if (found == x_running.end()) return;
    cancellation = found->second.cancellation;
  }
  cancellation->cancel();
}

void HttpBackend::Impl::list_models(std::function<void(Result<std::vector<BackendModel>>)> done) {
  auto cancellation = std::make_shared<Cancellation>();
  const auto [number, admitted] = enter(Kind::list, cancellation);
  const bool started = admitted && x_threads.run([this, number = number, cancellation, done] {
    OutgoingRequest request;
    request.method = "GET";
    request.path = api_path(x_options.base, "/models");
    request.headers = {{"Accept", "application/json"},
                       {"Accept-Encoding", "identity"},
                       {"Connection", "close"},
                       {"User-Agent", std::string(upstream_user_agent)}};
    if (!x_options.api_key.empty())
      request.headers.emplace_back("Authorization", "Bearer " + x_options.api_key);
    ModelListReader reader;
    // A pool of its own, so that a health check proves that the backend takes connections.
    ConnectionPool pool(x_options.base, 0);
    const auto result = pool.exchange(request, reader, *cancellation, list_timeouts,
                                      steady_clock::now() + list_time_max);
    leave(number);
    done(reader.conclude(result));
  });
  if (started) return;
  leave(number);
  run_aside([done = std::move(done)] { done(too_many_calls()); });
}

std::size_t HttpBackend::Impl::calls_in_progress() const {
  const std::scoped_lock lock(x_mutex);
  return x_running.size();
}

void HttpBackend::Impl::run_aside(Job job) {
  {
    const std::scoped_lock lock(x_mutex);
    if (x_has_housekeeper) {
      x_aside.push_back(std::move(job));
      x_aside_or_stop.notify_one();
      return;
    }
  }
  // Not even one thread could be made: better from the caller's thread than never.
  job();
}

void HttpBackend::Impl::keep_house() {
  std::unique_lock lock(x_mutex);
  while (!x_stopping || !x_aside.empty()) {
    x_aside_or_stop.wait_for(lock, prune_interval,
                             [this] { return x_stopping || !x_aside.empty(); });
    std::deque<Job> jobs = std::exchange(x_aside, {});
    lock.unlock();
    for (const Job& job : jobs) job();
    x_pool.prune();
    lock.lock();
  }
}

// -- HttpBackend ----------------------------------------------------------------------------------

HttpBackend::HttpBackend(UpstreamOptions options) {
  options.api_key = trimmed_key(options.api_key);
  x_impl = std::make_unique<Impl>(std::move(options));
}

HttpBackend::~HttpBackend() = default;

std::uint64_t HttpBackend::start(BackendCall call, BackendListener listener) {
  return x_impl->start(std::move(call), std::move(listener));
}

void HttpBackend::cancel(std::uint64_t call_number) {
  x_impl->cancel(call_number);
}

void HttpBackend::list_models(std::function<void(Result<std::vector<BackendModel>>)> done) {
  x_impl->list_models(std::move(done));
}

std::size_t HttpBackend::calls_in_progress() const {
  return x_impl->calls_in_progress();
}

std::uint64_t HttpBackend::connects() const {
  return x_impl->connects();
}

}  // namespace signalbox::http
