// Goal: a profile's policy and its options are set member by member, shown as they are, and a slip
// names the member. Method: requests from the route table to the answer, with a broker that answers
// with what it was told.
#include <catch2/catch.hpp>

#include "http/text/json_members.hpp"
#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

Response put(FakeHouse& house, std::string body) {
  FakeClient client;
  house.handle(request_to("PUT", "/api/v1/profiles/chat", std::move(body)), client);
  return client.answer;
}

std::string fault(FakeHouse& house, const std::string& body) {
  const Response refused = put(house, body);
  CAPTURE(body);
  CHECK(refused.status == 400);
  const auto error = value_of(refused.body, "error");
  CHECK(unquote(value_of(error, "code")) == "invalid_request");
  return unquote(value_of(error, "param")).value_or("");
}

}  // namespace

TEST_CASE("profiles: a policy and its options are set and shown", "[http][profiles]") {
  FakeHouse house;
  const Response usual = put(house, "{}");
  CHECK(usual.status == 200);
  CHECK(value_of(usual.body, "policy") == R"("strict")");
  CHECK(value_of(usual.body, "reserve_interactive") == "0");
  CHECK(value_of(usual.body, "background_trickle") == "0");
  CHECK(value_of(usual.body, "aging") == R"({"interactive":4,"workflow":2,"background":1})");
  CHECK(value_of(usual.body, "fair") == R"({"weights":{}})");
  CHECK(value_of(usual.body, "sjf") == R"({"max_bypass_s":60})");
  CHECK(value_of(usual.body, "swap") == R"({"max_bypass_s":30,"hold_s":0,"min_batch":4})");

  const Response changed = put(
      house, R"({"policy":"aging","aging":{"interactive":9,"background":2},"background_trickle":7,)"
             R"("reserve_interactive":1,"sjf":{"max_bypass_s":0.5},"swap":{}})");
  CHECK(changed.status == 200);
  CHECK(value_of(changed.body, "policy") == R"("aging")");
  CHECK(value_of(changed.body, "reserve_interactive") == "1");
  CHECK(value_of(changed.body, "background_trickle") == "7");
  CHECK(value_of(changed.body, "aging") == R"({"interactive":9,"workflow":2,"background":2})");
  CHECK(value_of(changed.body, "sjf") == R"({"max_bypass_s":0.5})");
  CHECK(value_of(changed.body, "swap") == R"({"max_bypass_s":30,"hold_s":0,"min_batch":4})");
  CHECK(value_of(put(house, R"({"swap":{"hold_s":2.5,"min_batch":8}})").body, "swap") ==
        R"({"max_bypass_s":30,"hold_s":2.5,"min_batch":8})");
}

TEST_CASE("profiles: owners' weights are set as a whole and shown by owner", "[http][profiles]") {
  FakeHouse house;
  const auto fair_after = [&](const std::string& body) {
    const Response answer = put(house, body);
    CHECK(answer.status == 200);
    return std::string{value_of(answer.body, "fair")};
  };
  const std::string both = R"({"weights":{"team-a":4,"team-b":1000}})";
  CHECK(fair_after(R"({"policy":"fair","fair":{"weights":{"team-b":1000,"team-a":4}}})") == both);
  CHECK(fair_after(R"({"max_queued":3,"fair":{}})") == both);
  CHECK(fair_after(R"({"fair":{"weights":{"team-b":2}}})") == R"({"weights":{"team-b":2}})");
  CHECK(fair_after(R"({"fair":{"weights":{}}})") == R"({"weights":{}})");
}

TEST_CASE("profiles: preemption is set and shown", "[http][profiles]") {
  FakeHouse house;
  const Response usual = put(house, "{}");
  CHECK(value_of(usual.body, "preempt") == R"("none")");
  CHECK(value_of(usual.body, "preempt_budget") == "2");
  CHECK(value_of(usual.body, "preempted_total") == "0");
  const Response on = put(house, R"({"preempt":"background","preempt_budget":0})");
  CHECK(on.status == 200);
  CHECK(value_of(on.body, "preempt") == R"("background")");
  CHECK(value_of(on.body, "preempt_budget") == "0");
}

TEST_CASE("profiles: tuning of slots is set, shown and turned off", "[http][profiles]") {
  FakeHouse house;
  CHECK(value_of(put(house, "{}").body, "tune_slots") == "null");
  const Response on = put(house, R"({"tune_slots":{"min":2,"max":32}})");
  CHECK(on.status == 200);
  CHECK(value_of(on.body, "tune_slots") == R"({"min":2,"max":32})");
  CHECK(value_of(put(house, R"({"tune_slots":{"max":8}})").body, "tune_slots") ==
        R"({"min":1,"max":8})");
  CHECK(value_of(put(house, R"({"tune_slots":null})").body, "tune_slots") == "null");
  CHECK(fault(house, R"({"tune_slots":8})") == "tune_slots");
  CHECK(fault(house, R"({"tune_slots":{}})") == "tune_slots.max");
  CHECK(fault(house, R"({"tune_slots":{"min":-1,"max":8}})") == "tune_slots.min");
  CHECK(fault(house, R"({"tune_slots":{"most":8}})") == "tune_slots.most");
}

TEST_CASE("profiles: a slip in an option names it", "[http][profiles]") {
  FakeHouse house;
  CHECK(fault(house, R"({"aging":4})") == "aging");
  CHECK(fault(house, R"({"aging":{"interactive":1.5}})") == "aging.interactive");
  CHECK(fault(house, R"({"aging":{"workflow":"2"}})") == "aging.workflow");
  CHECK(fault(house, R"({"aging":{"Interactive":2}})") == "aging.Interactive");
  CHECK(fault(house, R"({"aging":{"max_bypass_s":2}})") == "aging.max_bypass_s");
  CHECK(fault(house, R"({"sjf":{"max_bypass_s":"1"}})") == "sjf.max_bypass_s");
  CHECK(fault(house, R"({"swap":{"bypass":1}})") == "swap.bypass");
  CHECK(fault(house, R"({"swap":{"min_batch":1.5}})") == "swap.min_batch");
  CHECK(fault(house, R"({"sjf":{"hold_s":1}})") == "sjf.hold_s");
  CHECK(fault(house, R"({"reserve_interactive":-1})") == "reserve_interactive");
  CHECK(fault(house, R"({"background_trickle":null})") == "background_trickle");
  CHECK(fault(house, R"({"fair":4})") == "fair");
  CHECK(fault(house, R"({"fair":{"weight":{}}})") == "fair.weight");
  CHECK(fault(house, R"({"fair":{"weights":[1]}})") == "fair.weights");
  CHECK(fault(house, R"({"fair":{"weights":{"a":1,"a":2}}})") == "fair.weights");
  for (const char* weight : {"1.5", "-1", "\"2\"", "null", "99999999999"}) {
    CHECK(fault(house, R"({"fair":{"weights":{"a":)" + std::string{weight} + "}}}") ==
          "fair.weights.a");
  }
  for (const char* word : {R"("workflow")", R"("Background")", "true", "null", "1"}) {
    CHECK(fault(house, R"({"preempt":)" + std::string{word} + "}") == "preempt");
  }
  CHECK(fault(house, R"({"preempt_budget":-1})") == "preempt_budget");
}

}  // namespace signalbox::http
