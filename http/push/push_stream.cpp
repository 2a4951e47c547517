#include "http/push/push_stream.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include "http/text/json_members.hpp"
#include "http/text/sse_event.hpp"

namespace signalbox::http {

namespace {

/// A token is text; only a whole object with `error` is a report of one.
bool is_error_report(std::string_view data) {
  if (!data.starts_with('{') || !check_json(data)) return false;
  const std::string_view error = value_of(data, "error");
  return !error.empty() && error != "null";
}

}  // namespace

PushStream::PushStream(const PushRequest& request, const PushErrors& errors,
                       const BackendCall& call, BackendListener listener, std::size_t bytes_max)
    : x_request(request),
      x_errors(errors),
      x_streaming(call.streaming),
      x_listener(std::move(listener)),
      x_bytes_max(bytes_max),
      x_writer(call.kind, call.task, request.model),
      x_gate(request.stop) {}

// -- in -------------------------------------------------------------------------------------------

AnswerReader::Next PushStream::on_head(const AnswerHead& head) {
  x_head_seen = true;
  const bool is_plain = head.content_encoding.empty() || head.content_encoding == "identity";
  if (head.status >= 200 && head.status < 300 && is_plain && is_event_stream(head.content_type))
    return Next::more;
  x_other.emplace(error_body_bytes_max);
  return x_other->on_head(head);
}

AnswerReader::Next PushStream::on_body(std::string_view piece) {
  if (x_other) return x_other->on_body(piece);
  if (x_finished) return Next::rest;
  x_received_at = std::chrono::steady_clock::now();
  x_received_bytes += piece.size();
  if (x_received_bytes > x_bytes_max)
    return give_up(x_errors.broken(
        "sent a stream of more than " + std::to_string(x_bytes_max) + " bytes", false));
  std::vector<SseEvent> events;
  const auto fed = x_splitter.feed(piece, events);
  for (const SseEvent& event : events)
    if (const Next next = take_event(event); next != Next::more) return next;
  if (!fed) return give_up(x_errors.broken("sent an event without an end", false));
  return Next::more;
}

AnswerReader::Next PushStream::take_event(const SseEvent& event) {
  if (!event.has_data || event.data.empty()) return Next::more;
  if (event.name == "error" || is_error_report(event.data))
    return give_up(x_errors.reported(event.data, x_tokens > 0));
  if (event.name == "ping") return Next::more;
  if (event.data != "[DONE]") return take_token(event.data);
  finish();
  return Next::rest;
}

AnswerReader::Next PushStream::take_token(std::string_view token) {
  ++x_tokens;
  say(x_gate.feed(token));
  if (!x_gate.stopped()) return Next::more;
  finish();
  // The worker knows of no stop sequences: it ends when its reader is gone.
  return Next::stop;
}

AnswerReader::Next PushStream::give_up(BackendFailed failure) {
  x_failure = std::move(failure);
  return Next::stop;
}

void PushStream::finish() {
  x_finished = true;
  say(x_gate.finish());
  if (!x_streaming) return;
  add_event(x_writer.finish_event(finish_reason(), !x_began));
  if (x_request.include_usage) add_event(x_writer.usage_event(usage()));
}

// -- out ------------------------------------------------------------------------------------------

void PushStream::say(std::string_view text) {
  if (text.empty()) return;
  x_text += text;
  if (x_streaming) add_event(x_writer.text_event(text, !x_began));
}

void PushStream::add_event(const std::string& event) {
  if (!std::exchange(x_began, true))
    x_listener(BackendBegan{.status = 200, .content_type = std::string(event_stream)});
  x_batch += event;
  ++x_batch_count;
}

void PushStream::on_drained() {
  if (x_batch.empty()) return;
  x_listener(BackendEvents{.data = make_bytes(std::exchange(x_batch, {})),
                           .count = std::exchange(x_batch_count, 0),
                           .received_at = x_received_at});
}

CompletionUsage PushStream::usage() const {
  return {.prompt_tokens = estimated_tokens(x_request.prompt), .completion_tokens = x_tokens};
}

std::string_view PushStream::finish_reason() const {
  return !x_gate.stopped() && x_tokens >= x_request.max_tokens ? "length" : "stop";
}

// -- the end --------------------------------------------------------------------------------------

BackendEvent PushStream::conclude(const ExchangeResult& result) {
  using End = ExchangeResult::End;
  // Some servers leave out the blank line after [DONE].
  if (!x_finished && !x_failure && !x_other && result.end != End::cancelled)
    if (const auto rest = x_splitter.finish(); rest && rest->has_data && rest->data == "[DONE]")
      finish();
  on_drained();
  if (x_finished)
    return BackendFinished{.status = 200,
                           .content_type = "application/json",
                           .body = make_bytes(x_writer.body(x_text, finish_reason(), usage())),
                           .tail = x_streaming ? make_bytes(std::string(done_event)) : nullptr,
                           .received_at = x_received_at};
  if (result.end == End::cancelled) return x_errors.no_stream(result, x_head_seen);
  if (x_failure) return std::move(*x_failure);
  if (x_other) return x_errors.not_a_stream(*x_other);
  if (result.end != End::complete) return x_errors.no_stream(result, x_head_seen);
  return x_errors.broken("ended its stream without [DONE]", true);
}

}  // namespace signalbox::http
