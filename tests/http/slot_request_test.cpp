// Goal: what an app says of a slot is read as the contract has it, and what cannot be read is told
// with the field at fault.
#include "http/surfaces/slot_request.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

using namespace std::chrono_literals;

Caller anybody() {
  Caller caller;
  caller.owner = "alice";
  return caller;
}

std::string fault_of(const auto& result) {
  return result.has_error()
             ? std::string{to_string(result.error().code)} + " " + result.error().param
             : "none";
}

std::string body_fault(std::string_view body) {
  return fault_of(read_slot_body(body, {}, anybody()));
}

}  // namespace

TEST_CASE("slot_request: a whole body", "[http][slot]") {
  const auto read = read_slot_body(
      R"({"profile":"local:embedding","priority":"background","queue_wait_s":1.5,"inference_s":60,)"
      R"("lease_s":5,"description":"nightly"})",
      {}, anybody());
  REQUIRE(read.has_value());
  CHECK(read->request.profile == "local:embedding");
  CHECK(read->request.priority == Priority::background);
  CHECK(read->request.owner == "alice");
  CHECK(read->request.description == "nightly");
  CHECK(read->request.lease == 5s);
  CHECK(read->queue_wait == 1500ms);
  CHECK(read->inference == 60s);
  CHECK_FALSE(read->wants_position);
}

TEST_CASE("slot_request: what is not given", "[http][slot]") {
  const auto read = read_slot_body(R"({"profile":"p","priority":null})", {}, anybody());
  REQUIRE(read.has_value());
  CHECK(read->request.priority == Priority::workflow);
  CHECK(read->request.lease == 30s);
  CHECK_FALSE(read->queue_wait);
  CHECK_FALSE(read->inference);
}

TEST_CASE("slot_request: headers say what the body does not", "[http][slot]") {
  const Headers headers{{"X-Signalbox-Profile", "from-header"},
                        {"X-Signalbox-Queue-Wait-S", "7"},
                        {"X-Signalbox-Description", "from header"}};
  const auto read = read_slot_body(R"({"queue_wait_s":3})", headers, anybody());
  REQUIRE(read.has_value());
  CHECK(read->request.profile == "from-header");
  CHECK(read->request.description == "from header");
  CHECK(read->queue_wait == 3s);
}

TEST_CASE("slot_request: a key's highest class holds", "[http][slot]") {
  Caller caller = anybody();
  caller.max_priority = Priority::background;
  const auto read = read_slot_body(R"({"profile":"p","priority":"interactive"})", {}, caller);
  REQUIRE(read.has_value());
  CHECK(read->request.priority == Priority::background);
}

TEST_CASE("slot_request: what cannot be read names its field", "[http][slot]") {
  CHECK(body_fault("") == "invalid_json ");
  CHECK(body_fault("[]") == "invalid_json ");
  CHECK(body_fault("{}") == "invalid_request profile");
  CHECK(body_fault(R"({"profile":""})") == "invalid_request profile");
  CHECK(body_fault(R"({"profile":"a b"})") == "invalid_request profile");
  CHECK(body_fault(R"({"profile":"p","priority":"urgent"})") == "invalid_priority priority");
  CHECK(body_fault(R"({"profile":"p","lease_s":0})") == "invalid_request lease_s");
  CHECK(body_fault(R"({"profile":"p","lease_s":-1})") == "invalid_request lease_s");
  CHECK(body_fault(R"({"profile":"p","lease_s":"5"})") == "invalid_request lease_s");
  CHECK(body_fault(R"({"profile":"p","queue_wait_s":true})") == "invalid_request queue_wait_s");
  CHECK(body_fault(R"({"profile":"p","inference_s":90000})") == "invalid_request inference_s");
  CHECK(body_fault(R"({"profile":"p","queue":1})") == "invalid_request queue");
  CHECK(body_fault(R"({"profile":"p","description":")" + std::string(201, 'x') + R"("})") ==
        "invalid_request description");
}

TEST_CASE("slot_request: the same by query, held by the connection", "[http][slot]") {
  const auto read = read_slot_query("profile=lmstudio%3Anomic&priority=interactive&queue_wait_s=2",
                                    {}, anybody());
  REQUIRE(read.has_value());
  CHECK(read->request.profile == "lmstudio:nomic");
  CHECK(read->request.priority == Priority::interactive);
  CHECK(read->request.lease == 0s);
  CHECK(read->queue_wait == 2s);
  CHECK(read->wants_position);
  CHECK(fault_of(read_slot_query("", {}, anybody())) == "invalid_request profile");
  CHECK(fault_of(read_slot_query("profile=p&x=1", {}, anybody())) == "invalid_request x");
  CHECK(fault_of(read_slot_query("profile=p&lease_s=no", {}, anybody())) ==
        "invalid_request lease_s");
}

TEST_CASE("slot_request: marks", "[http][slot]") {
  CHECK(*read_slot_mark(R"({"event":"first_token"})") == SlotMark::first_token);
  CHECK(fault_of(read_slot_mark("{}")) == "invalid_request event");
  CHECK(fault_of(read_slot_mark(R"({"event":"done"})")) == "invalid_request event");
  CHECK(fault_of(read_slot_mark(R"({"events":"first_token"})")) == "invalid_request events");
}

TEST_CASE("slot_request: outcomes", "[http][slot]") {
  CHECK(read_slot_outcome("")->status == CallStatus::ok);
  CHECK(read_slot_outcome("{}")->status == CallStatus::ok);
  const auto failed =
      read_slot_outcome(R"({"status":"error","error_kind":"http_500","error_detail":"oops"})");
  REQUIRE(failed.has_value());
  CHECK(failed->status == CallStatus::error);
  CHECK(failed->error_kind == "http_500");
  CHECK(failed->error_detail == "oops");
  CHECK(read_slot_outcome(R"({"status":"inference_timeout"})")->error_kind == "inference_timeout");
  CHECK(fault_of(read_slot_outcome(R"({"status":"running"})")) == "invalid_request status");
  CHECK(fault_of(read_slot_outcome("nonsense")) == "invalid_json ");
}

}  // namespace signalbox::http
