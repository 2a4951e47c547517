#include "http/upstream/upstream_call.hpp"

#include <algorithm>
#include <utility>

#include "http/text/json_members.hpp"
#include "http/text/sse_event.hpp"
#include "http/upstream/answer_collector.hpp"
#include "http/upstream/upstream_errors.hpp"

namespace signalbox::http {

namespace {

bool assembles(const UpstreamOptions& options, const BackendCall& call) {
  return !call.streaming && options.type == config::UpstreamType::llamacpp &&
         (call.kind == TaskKind::chat || call.kind == TaskKind::completion);
}

/// @returns what a backend says its answer is, for people.
std::string type_word(std::string_view content_type) {
  constexpr std::size_t shown_max = 100;
  if (content_type.empty()) return "of no type";
  return std::string(content_type.substr(0, shown_max));
}

}  // namespace

void add_call_headers(OutgoingRequest& request, const BackendCall& call) {
  auto& headers = request.headers;
  headers.emplace_back("Accept-Encoding", "identity");
  headers.emplace_back("User-Agent", upstream_user_agent);
  if (!call.request_id.empty()) headers.emplace_back("X-Request-Id", call.request_id);
  if (!call.traceparent.empty()) headers.emplace_back("traceparent", call.traceparent);
}

UpstreamCall::UpstreamCall(const UpstreamOptions& options, ConnectionPool& pool, BackendCall call,
                           BackendListener listener)
    : x_options(options),
      x_pool(pool),
      x_call(std::move(call)),
      x_listener(std::move(listener)),
      x_mode(x_call.streaming             ? Mode::stream
             : assembles(options, x_call) ? Mode::assembled
                                          : Mode::plain),
      x_assembler(x_call.kind) {}

BackendEvent UpstreamCall::run(Cancellation& cancellation) {
  const auto request = make_request();
  if (!request) return BackendFailed{.error = request.error(), .retryable = false};
  const SocketTimeouts timeouts{.connect = x_options.connect_timeout,
                                .read = x_options.read_timeout};
  const auto result = x_pool.exchange(*request, *this, cancellation, timeouts);
  BackendEvent last = conclude(result);
  // What came in good order is handed over before the end, whatever the end is.
  on_drained();
  return last;
}

Result<OutgoingRequest> UpstreamCall::make_request() const {
  auto body = make_body();
  if (!body) return body.error();
  OutgoingRequest request;
  request.path = call_path(x_options.base, x_call.kind);
  request.body = std::move(*body);
  request.headers = {{"Content-Type", "application/json"},
                     {"Accept", x_mode == Mode::plain ? "application/json"
                                                      : "text/event-stream, application/json"}};
  if (!x_options.api_key.empty())
    request.headers.emplace_back("Authorization", "Bearer " + x_options.api_key);
  add_call_headers(request, x_call);
  return request;
}

Result<Bytes> UpstreamCall::make_body() const {
  std::vector<Edit> edits;
  if (!x_call.model.empty()) edits.push_back({"model", json_quote(x_call.model)});
  if (x_mode == Mode::assembled) {
    edits.push_back({"stream", "true"});
    edits.push_back({"stream_options", "{\"include_usage\":true}"});
  }
  if (edits.empty()) return x_call.request;
  const std::string_view body = x_call.request ? *x_call.request : std::string_view();
  const auto checked = check_json(body);
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  if (!checked || body[first] != '{')
    return make_error(ErrorCode::backend_error, "the request is no JSON object and was not sent");
  return make_bytes(splice(body, edits));
}

// -- the answer -----------------------------------------------------------------------------------

AnswerReader::Next UpstreamCall::on_head(const AnswerHead& head) {
  x_head = head;
  x_head_seen = true;
  // cpp-httplib skips 100 only; what follows another interim answer would be taken for its body.
  if (head.status < 200)
    return give_up(answer_failure("the backend sent an interim answer", head.status, true));
  if (!head.content_encoding.empty() && head.content_encoding != "identity")
    return give_up(answer_failure("the backend compressed its answer unasked", head.status, false));
  // A request with "stream": true is answered so even if nobody wants to see the events.
  x_streaming =
      succeeded() && x_call.kind != TaskKind::embedding && is_event_stream(head.content_type);
  return Next::more;
}

AnswerReader::Next UpstreamCall::on_body(std::string_view piece) {
  if (x_assembler.done()) return Next::rest;
  x_received_at = std::chrono::steady_clock::now();
  x_received_bytes += piece.size();
  if (!succeeded()) {
    x_body += piece.substr(0, error_body_bytes_max - std::min(x_body.size(), error_body_bytes_max));
    return x_body.size() < error_body_bytes_max ? Next::more : Next::stop;
  }
  if (x_received_bytes > x_options.max_response_bytes)
    return give_up(answer_failure("the backend's answer is larger than " +
                                      std::to_string(x_options.max_response_bytes) + " bytes",
                                  x_head.status, false));
  if (!x_streaming) {
    x_body += piece;
    return Next::more;
  }
  std::vector<SseEvent> events;
  const auto fed = x_splitter.feed(piece, events);
  const Next next = take_events(events);
  if (!fed && next == Next::more) return give_up({.error = fed.error(), .retryable = false});
  return next;
}

void UpstreamCall::on_drained() {
  if (x_batch.empty()) return;
  x_listener(BackendEvents{.data = make_bytes(std::exchange(x_batch, {})),
                           .count = std::exchange(x_batch_count, 0),
                           .received_at = x_received_at});
}

AnswerReader::Next UpstreamCall::take_events(const std::vector<SseEvent>& events) {
  for (const SseEvent& event : events) {
    const Next next = take_event(event);
    if (next != Next::more) return next;
  }
  return Next::more;
}

AnswerReader::Next UpstreamCall::take_event(const SseEvent& event) {
  if (event.has_data) {
    switch (x_assembler.add(event.data)) {
      case StreamAssembler::Seen::done:
        x_tail = event.raw;
        begin();
        return Next::rest;
      case StreamAssembler::Seen::error:
        // LM Studio's native stream goes on after an error and ends in good order.
        if (!x_data_seen || x_call.kind != TaskKind::native_chat) return take_error_event(event);
        break;
      case StreamAssembler::Seen::chunk:
      case StreamAssembler::Seen::garbage:
        if (event.name == "error") return take_error_event(event);
        break;
    }
    x_data_seen = true;
    begin();
  }
  if (x_began) {
    x_batch += event.raw;
    if (event.has_data) ++x_batch_count;
  }
  return Next::more;
}

AnswerReader::Next UpstreamCall::take_error_event(const SseEvent& event) {
  BackendFailed failure = event_failure(event.data, x_head.status);
  if (x_data_seen) failure.error.code = ErrorCode::backend_stream_failed;
  return give_up(std::move(failure));
}

AnswerReader::Next UpstreamCall::give_up(BackendFailed failure) {
  x_failure = std::move(failure);
  return Next::stop;
}

void UpstreamCall::begin() {
  if (x_began || x_mode != Mode::stream) return;
  x_began = true;
  x_listener(BackendBegan{.status = x_head.status, .content_type = x_head.content_type});
}

// -- the end --------------------------------------------------------------------------------------

BackendEvent UpstreamCall::conclude(const ExchangeResult& result) {
  using End = ExchangeResult::End;
  if (result.end == End::cancelled || result.end == End::unreachable)
    return exchange_failure(result, x_head_seen, x_streaming);
  if (x_failure) return std::move(*x_failure);
  // The status counts even when its page was cut.
  if (x_head_seen && !succeeded()) return status_failure(x_head.status, x_body, x_head.retry_after);
  if (x_streaming) return conclude_stream(result);
  if (result.end != End::complete) return exchange_failure(result, x_head_seen, x_streaming);
  // A proxy's page, a URL that leads elsewhere, or what is left of an answer whose end nobody
  // marked.
  if (!check_json(x_body)) {
    auto failure =
        answer_failure("the backend's answer is no JSON but " + type_word(x_head.content_type),
                       x_head.status, false);
    // Who asked for a stream got no part of one.
    if (x_call.streaming) failure.error.code = ErrorCode::backend_stream_failed;
    return failure;
  }
  return BackendFinished{.status = x_head.status,
                         .content_type = x_head.content_type,
                         .body = make_bytes(std::move(x_body)),
                         .tail = nullptr,
                         .received_at = x_received_at};
}

BackendEvent UpstreamCall::conclude_stream(const ExchangeResult& result) {
  using End = ExchangeResult::End;
  if (!x_assembler.done()) {
    // Some servers leave out the blank line after [DONE].
    if (const auto rest = x_splitter.finish(); rest && rest->has_data && rest->data == "[DONE]")
      take_event(
          SseEvent{.raw = "data: [DONE]\n\n", .data = "[DONE]", .name = {}, .has_data = true});
  }
  if (!x_assembler.done()) {
    if (result.end != End::complete) return exchange_failure(result, true, true);
    return BackendFailed{.error = make_error(ErrorCode::backend_stream_failed,
                                             "the backend ended its stream without [DONE]"),
                         .retryable = true};
  }
  if (x_mode == Mode::stream)
    return BackendFinished{.status = x_head.status,
                           .content_type = "application/json",
                           .body = make_bytes(x_assembler.assemble()),
                           .tail = make_bytes(x_tail),
                           .received_at = x_received_at};
  if (x_assembler.garbled())
    return answer_failure("the backend sent an event that is no JSON object", x_head.status, true);
  return BackendFinished{.status = x_head.status,
                         .content_type = "application/json",
                         .body = make_bytes(x_assembler.assemble()),
                         .tail = nullptr,
                         .received_at = x_received_at};
}

}  // namespace signalbox::http
