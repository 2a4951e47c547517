#include "core/admission/slot.hpp"

namespace signalbox {

std::optional<SlotMark> parse_slot_mark(std::string_view word) {
  if (word == "started_http") return SlotMark::started_http;
  if (word == "first_token") return SlotMark::first_token;
  return std::nullopt;
}

SlotOutcome outcome_of(const Error& error) {
  return {call_status_for(error.code), std::string{to_string(error.code)}, error.message};
}

SlotOutcome lease_expired() {
  return {CallStatus::error, "lease_expired", "the lease was not renewed in time"};
}

Slot::Slot(SlotRequest request, Instant now, WallTime at)
    : x_request{std::move(request)}, x_queued_at{now} {
  x_row.id = x_request.id.bytes;
  x_row.kind = CallKind::slot;
  x_row.profile = x_request.profile;
  x_row.priority = x_request.priority;
  x_row.owner = x_request.owner;
  x_row.description = x_request.description;
  x_row.request_id = x_request.request_id;
  x_row.queued_at = at;
}

void Slot::admit(Duration queue_wait, Instant now, WallTime at) {
  SIGNALBOX_ASSERT(x_stage == Stage::waiting);
  x_stage = Stage::held;
  x_admitted_at = now;
  x_row.status = CallStatus::running;
  x_row.attempts = 1;
  x_row.admitted_at = at;
  x_row.queue_wait_ms = to_fractional_ms(queue_wait);
  if (x_request.lease > Duration::zero()) x_lease_end = now + x_request.lease;
}

void Slot::mark(SlotMark mark, WallTime at) {
  SIGNALBOX_ASSERT(x_stage == Stage::held);
  WallTime& time = mark == SlotMark::started_http ? x_row.started_http_at : x_row.first_token_at;
  if (time == WallTime{}) time = at;
}

void Slot::renew(Instant now) {
  SIGNALBOX_ASSERT(x_stage == Stage::held);
  if (x_lease_end) x_lease_end = now + x_request.lease;
}

void Slot::end(const SlotOutcome& outcome, Instant now, WallTime at) {
  SIGNALBOX_ASSERT(x_stage != Stage::ended);
  x_row.total_latency_ms = to_fractional_ms(now - x_queued_at);
  if (x_stage == Stage::held) {
    x_row.service_time_ms = to_fractional_ms(now - x_admitted_at);
  } else {
    x_row.queue_wait_ms = x_row.total_latency_ms;
  }
  x_stage = Stage::ended;
  x_lease_end.reset();
  x_row.status = outcome.status;
  x_row.error_kind = outcome.error_kind;
  x_row.error_detail = outcome.error_detail;
  x_row.finished_at = at;
}

}  // namespace signalbox
