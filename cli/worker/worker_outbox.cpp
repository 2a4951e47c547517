#include "cli/worker/worker_outbox.hpp"

#include <vector>

#include "cli/worker/worker_bodies.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {

void RunOutbox::add(const BackendEvent& event) {
  if (x_result) return;
  if (std::holds_alternative<BackendBegan>(event)) {
    x_is_streaming = true;
  } else if (const auto* events = std::get_if<BackendEvents>(&event)) {
    if (events->data) add_events(*events->data);
  } else if (const auto* finished = std::get_if<BackendFinished>(&event)) {
    finish(*finished);
  } else if (const auto* failed = std::get_if<BackendFailed>(&event)) {
    x_result = failure_body(*failed, x_is_streaming, x_attempt);
  }
}

void RunOutbox::add_events(std::string_view events) {
  std::vector<http::SseEvent> whole;
  const auto fed = x_splitter.feed(events, whole);
  for (http::SseEvent& event : whole) {
    if (event.has_data) x_chunks.push_back(std::move(event.data));
  }
  if (fed.has_error()) x_result = error_body(fed.error().message, false, x_attempt);
}

void RunOutbox::finish(const BackendFinished& finished) {
  if (x_is_streaming) {
    x_result = done_body(x_attempt);
    return;
  }
  const std::string_view body = finished.body ? *finished.body : std::string_view{};
  x_result = http::check_json(body).has_error()
                 ? error_body("the local server's answer is no JSON", false, x_attempt)
                 : result_body(finished.status, body, x_attempt);
}

OutboxPost RunOutbox::next() {
  SIGNALBOX_ASSERT(has_next());
  if (x_chunks.empty()) return {.is_result = true, .body = *x_result};
  std::vector<std::string> chunks;
  std::size_t bytes = 0;
  for (const std::string& chunk : x_chunks) {
    bytes += chunk.size();
    if (!chunks.empty() && bytes > x_post_bytes_max) break;
    chunks.push_back(chunk);
  }
  x_chunks_in_flight = chunks.size();
  return {.is_result = false, .body = chunk_body(chunks, x_attempt)};
}

OutboxStep RunOutbox::settle(const BrokerAnswer& answer) {
  const AnswerKind kind = kind_of(answer);
  if (kind == AnswerKind::conflict) return OutboxStep::over;
  if (kind == AnswerKind::session_gone) return OutboxStep::session_gone;
  if (kind == AnswerKind::unauthorized) return OutboxStep::unauthorized;
  return x_chunks_in_flight > 0 ? settle_chunks(kind, answer) : settle_result(kind, answer);
}

OutboxStep RunOutbox::settle_chunks(AnswerKind kind, const BrokerAnswer& answer) {
  const std::size_t count = std::exchange(x_chunks_in_flight, 0);
  if (kind == AnswerKind::later) return OutboxStep::later;
  if (kind == AnswerKind::accepted) {
    x_chunks.erase(x_chunks.begin(), x_chunks.begin() + static_cast<std::ptrdiff_t>(count));
    return OutboxStep::go_on;
  }
  // Sent again, a chunk that did arrive would stand in the answer twice.
  const bool is_retryable = kind == AnswerKind::unknown;
  replace_result("a chunk did not reach the broker: " + describe(answer).message, is_retryable);
  return OutboxStep::abort_local;
}

OutboxStep RunOutbox::settle_result(AnswerKind kind, const BrokerAnswer& answer) {
  if (kind == AnswerKind::later || kind == AnswerKind::unknown) return OutboxStep::later;
  if (kind == AnswerKind::accepted || x_is_replaced) return OutboxStep::over;
  replace_result("the broker refused the answer: " + describe(answer).message, false);
  return OutboxStep::abort_local;
}

void RunOutbox::replace_result(const std::string& message, bool is_retryable) {
  x_chunks.clear();
  x_is_replaced = true;
  x_result = error_body(message, is_retryable, x_attempt);
}

}  // namespace signalbox::cli
