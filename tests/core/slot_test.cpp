// Goal: a slot's row and lease say what happened, whatever the order. Method: the pure object, with
// times handed in.
#include "core/admission/slot.hpp"

#include <catch2/catch.hpp>

namespace signalbox {
namespace {

using namespace std::chrono_literals;

SlotRequest request(Duration lease) {
  SlotRequest request;
  request.profile = "p";
  request.priority = Priority::background;
  request.description = "bulk";
  request.lease = lease;
  return request;
}

WallTime at(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds{ms}};
}

}  // namespace

TEST_CASE("slot: waits, is held, is given back", "[core][slot]") {
  const Instant start{};
  Slot slot{request(30s), start, at(1000)};
  CHECK(slot.row().kind == CallKind::slot);
  CHECK(slot.row().status == CallStatus::queued);
  CHECK_FALSE(slot.lease_end());
  slot.admit(2s, start + 2s, at(3000));
  CHECK(slot.is_held());
  CHECK(slot.row().status == CallStatus::running);
  CHECK(slot.row().queue_wait_ms == 2000);
  CHECK(slot.lease_end() == start + 32s);
  slot.mark(SlotMark::started_http, at(3100));
  slot.mark(SlotMark::first_token, at(3200));
  slot.mark(SlotMark::first_token, at(9999));
  slot.end({}, start + 5s, at(6000));
  CHECK(slot.has_ended());
  CHECK(slot.row().status == CallStatus::ok);
  CHECK(slot.row().error_kind.empty());
  CHECK(slot.row().started_http_at == at(3100));
  CHECK(slot.row().first_token_at == at(3200));
  CHECK(slot.row().finished_at == at(6000));
  CHECK(slot.row().service_time_ms == 3000);
  CHECK(slot.row().total_latency_ms == 5000);
  CHECK_FALSE(slot.lease_end());
}

TEST_CASE("slot: a lease counts from its last renewal", "[core][slot]") {
  const Instant start{};
  Slot slot{request(10s), start, at(0)};
  slot.admit(0s, start, at(0));
  slot.renew(start + 9s);
  CHECK(slot.lease_end() == start + 19s);
  slot.end(lease_expired(), start + 19s, at(19'000));
  CHECK(slot.row().status == CallStatus::error);
  CHECK(slot.row().error_kind == "lease_expired");
}

TEST_CASE("slot: without a lease it is held until its holder leaves", "[core][slot]") {
  const Instant start{};
  Slot slot{request(0s), start, at(0)};
  slot.admit(0s, start, at(0));
  CHECK_FALSE(slot.lease_end());
  slot.renew(start + 5s);
  CHECK_FALSE(slot.lease_end());
}

TEST_CASE("slot: one that was never admitted only waited", "[core][slot]") {
  const Instant start{};
  Slot slot{request(30s), start, at(0)};
  slot.end(outcome_of(make_error(ErrorCode::queue_wait_timeout, "too long")), start + 4s, at(4000));
  CHECK(slot.row().status == CallStatus::queue_wait_timeout);
  CHECK(slot.row().error_kind == "queue_wait_timeout");
  CHECK(slot.row().error_detail == "too long");
  CHECK(slot.row().queue_wait_ms == 4000);
  CHECK(slot.row().service_time_ms < 0);
}

TEST_CASE("slot: marks by their words", "[core][slot]") {
  CHECK(parse_slot_mark("started_http") == SlotMark::started_http);
  CHECK(parse_slot_mark("first_token") == SlotMark::first_token);
  CHECK_FALSE(parse_slot_mark("First_Token"));
  CHECK_FALSE(parse_slot_mark(""));
}

}  // namespace signalbox
