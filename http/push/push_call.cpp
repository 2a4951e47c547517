#include "http/push/push_call.hpp"

#include <chrono>
#include <utility>

#include "http/push/push_answer.hpp"
#include "http/push/push_stream.hpp"
#include "http/text/sse_event.hpp"
#include "http/upstream/answer_collector.hpp"
#include "http/upstream/upstream_call.hpp"

namespace signalbox::http {

namespace {

using End = ExchangeResult::End;

constexpr std::string_view inference_path = "/v1/inference";

}  // namespace

PushCall::PushCall(const PushOptions& options, const BaseUrl& worker, std::string model,
                   ConnectionPool& pool, BackendCall call, BackendListener listener)
    : x_options(options),
      x_worker(worker),
      x_model(std::move(model)),
      x_pool(pool),
      x_call(std::move(call)),
      x_listener(std::move(listener)),
      x_errors(worker) {}

// The same for both requests: the second one uses the first one's connection if it was kept.
SocketTimeouts PushCall::timeouts() const {
  return {.connect = x_options.connect_timeout, .read = x_options.read_timeout};
}

BackendEvent PushCall::run(Cancellation& cancellation) {
  const auto request = read_push_request(x_call);
  // A backend of another kind in the same pool may do it.
  if (!request) return BackendFailed{.error = request.error(), .retryable = true};
  auto submitted = submit(*request, cancellation);
  if (auto* failure = std::get_if<BackendFailed>(&submitted)) return std::move(*failure);
  return read_stream(*request, std::move(std::get<std::string>(submitted)), cancellation);
}

std::variant<std::string, BackendFailed> PushCall::submit(const PushRequest& request,
                                                          Cancellation& cancellation) {
  OutgoingRequest outgoing;
  outgoing.path = inference_path;
  outgoing.body = make_bytes(inference_body(request, x_model));
  outgoing.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  add_call_headers(outgoing, x_call);
  AnswerCollector answer(error_body_bytes_max);
  const auto result = x_pool.exchange(
      outgoing, answer, cancellation, timeouts(),
      std::chrono::steady_clock::now() + x_options.connect_timeout + x_options.answer_timeout);
  if (result.end == End::cancelled || result.end == End::unreachable)
    return x_errors.no_answer(result);
  // The status counts even when its page was cut.
  if (answer.has_head() && !answer.succeeded()) return x_errors.refused(answer);
  if (result.end == End::stopped)
    return x_errors.unreadable("answered more than " + std::to_string(error_body_bytes_max) +
                               " bytes where a job's address is expected");
  if (result.end != End::complete) return x_errors.no_answer(result);
  auto path = read_stream_path(answer.body(), x_worker);
  if (!path) return x_errors.unreadable(path.error().message);
  return std::move(*path);
}

BackendEvent PushCall::read_stream(const PushRequest& request, std::string path,
                                   Cancellation& cancellation) {
  OutgoingRequest outgoing;
  outgoing.method = "GET";
  outgoing.path = std::move(path);
  outgoing.headers = {{"Accept", std::string(event_stream)}, {"Cache-Control", "no-store"}};
  add_call_headers(outgoing, x_call);
  PushStream stream(request, x_errors, x_call, x_listener, x_options.max_response_bytes);
  return stream.conclude(x_pool.exchange(outgoing, stream, cancellation, timeouts()));
}

}  // namespace signalbox::http
