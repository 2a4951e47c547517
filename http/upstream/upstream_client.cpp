#include "http/upstream/upstream_client.hpp"

#include <utility>

#include "http/upstream/answer_collector.hpp"
#include "http/upstream/call_threads.hpp"
#include "http/upstream/upstream_call.hpp"
#include "http/upstream/upstream_errors.hpp"
#include "http/upstream/upstream_exchange.hpp"

namespace signalbox::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t lists_max = 4;
constexpr SocketTimeouts list_timeouts{
    .connect = milliseconds(2'000), .read = milliseconds(5'000), .write = milliseconds(5'000)};
constexpr milliseconds list_time_max{10'000};
constexpr std::size_t list_bytes_max = 1024 * 1024;

/// What the answer to GET /v1/models says.
Result<std::vector<BackendModel>> read_model_list(const AnswerCollector& answer,
                                                  const ExchangeResult& result) {
  if (result.end != ExchangeResult::End::complete && result.end != ExchangeResult::End::stopped)
    return exchange_failure(result, answer.has_head(), false).error;
  if (!answer.succeeded())
    return status_failure(answer.head().status, answer.body(), answer.head().retry_after).error;
  if (result.end == ExchangeResult::End::stopped)
    return answer_failure("the backend's list of models is too large", answer.head().status, false)
        .error;
  return parse_model_list(answer.body());
}

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
  explicit Impl(UpstreamOptions options)
      : x_options(std::move(options)),
        x_pool(x_options.base, x_options.max_calls),
        x_calls(x_options.max_calls, [this] { x_pool.prune(); }),
        x_lists(lists_max) {}

  std::uint64_t start(BackendCall call, const BackendListener& listener);
  void cancel(std::uint64_t number) { x_calls.cancel(number); }
  void list_models(const std::function<void(Result<std::vector<BackendModel>>)>& done);

  [[nodiscard]] std::size_t calls_in_progress() const { return x_calls.count() + x_lists.count(); }
  [[nodiscard]] std::uint64_t connects() const { return x_pool.connects(); }

 private:
  Result<std::vector<BackendModel>> ask_for_models(Cancellation& cancellation) const;

  const UpstreamOptions x_options;
  ConnectionPool x_pool;
  // Last, so that they end first.
  CallThreads x_calls;
  CallThreads x_lists;
};

std::uint64_t HttpBackend::Impl::start(BackendCall call, const BackendListener& listener) {
  auto work = std::make_shared<UpstreamCall>(x_options, x_pool, std::move(call), listener);
  return x_calls.start(
      [work, listener](Cancellation& cancellation) -> CallThreads::Job {
        return [listener, last = work->run(cancellation)]() mutable { listener(std::move(last)); };
      },
      [listener] { listener(BackendFailed{.error = too_many_calls(), .retryable = true}); });
}

void HttpBackend::Impl::list_models(
    const std::function<void(Result<std::vector<BackendModel>>)>& done) {
  x_lists.start(
      [this, done](Cancellation& cancellation) -> CallThreads::Job {
        return [done, models = ask_for_models(cancellation)]() mutable { done(std::move(models)); };
      },
      [done] { done(too_many_calls()); });
}

Result<std::vector<BackendModel>> HttpBackend::Impl::ask_for_models(
    Cancellation& cancellation) const {
  OutgoingRequest request;
  request.method = "GET";
  request.path = api_path(x_options.base, "/models");
  request.headers = {{"Accept", "application/json"},
                     {"Accept-Encoding", "identity"},
                     {"Connection", "close"},
                     {"User-Agent", std::string(upstream_user_agent)}};
  if (!x_options.api_key.empty())
    request.headers.emplace_back("Authorization", "Bearer " + x_options.api_key);
  AnswerCollector answer(list_bytes_max);
  // A pool of its own, so that a health check proves that the backend takes connections.
  ConnectionPool pool(x_options.base, 0);
  const auto result = pool.exchange(request, answer, cancellation, list_timeouts,
                                    steady_clock::now() + list_time_max);
  return read_model_list(answer, result);
}

// -- HttpBackend ----------------------------------------------------------------------------------

HttpBackend::HttpBackend(UpstreamOptions options) {
  options.api_key = trimmed_key(options.api_key);
  x_impl = std::make_unique<Impl>(std::move(options));
}

HttpBackend::~HttpBackend() = default;

std::uint64_t HttpBackend::start(BackendCall call, BackendListener listener) {
  return x_impl->start(std::move(call), listener);
}

void HttpBackend::cancel(std::uint64_t call_number) {
  x_impl->cancel(call_number);
}

void HttpBackend::list_models(std::function<void(Result<std::vector<BackendModel>>)> done) {
  x_impl->list_models(done);
}

std::size_t HttpBackend::calls_in_progress() const {
  return x_impl->calls_in_progress();
}

std::uint64_t HttpBackend::connects() const {
  return x_impl->connects();
}

}  // namespace signalbox::http
