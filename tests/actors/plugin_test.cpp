// Goal: what a plugin asks of the house it gets as any caller does, within its bounds, and what it
// does wrong stays its own. Method: plugins made of lambdas, in a house on the virtual clock.
#include "actors/plugin.hpp"

#include <catch2/catch.hpp>

#include "tests/support/plugin_fixture.hpp"
#include "tests/support/slot_fixture.hpp"

namespace signalbox::testing {
namespace {

using plugin::Answer;
using Start = std::function<void(plugin::Host&)>;

class LambdaPlugin final : public plugin::Plugin {
 public:
  explicit LambdaPlugin(Start start) : x_start{std::move(start)} {}
  void start(plugin::Host& host) override { x_start(host); }

 private:
  Start x_start;
};

std::unique_ptr<plugin::Plugin> idle() {
  return std::make_unique<LambdaPlugin>([](plugin::Host&) {});
}

actors::BrokerSettings one_slot() {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_concurrent = 1;
  settings.profile_defaults.max_queued = 1;
  return settings;
}

plugin::TaskWish chat(const std::string& target, const std::string& request = "{}") {
  plugin::TaskWish wish;
  wish.target = target;
  wish.request = request;
  return wish;
}

}  // namespace

// -- slots ---------------------------------------------------------------------------------------

TEST_CASE("plugin: a slot is marked, judged, and given back when it is let go",
          "[actors][plugin]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  PluginFixture plugin{house, "p", idle()};
  std::shared_ptr<plugin::Slot> slot;
  plugin.host().acquire({.profile = "p", .description = "mine"}, [&](plugin::SlotGrant grant) {
    CHECK_FALSE(grant.failure);
    slot = std::move(grant.slot);
  });
  house.world().run();
  REQUIRE(slot);
  const SlotId next = apps.acquire({.lease = 0s});
  CHECK(apps.told(next).is_waiting());
  slot->mark_started_http();
  house.world().advance(1s);
  slot->mark_first_token();
  slot->fail("http_500", "oops");
  house.world().run();
  CHECK(apps.told(next).is_waiting());
  slot.reset();
  house.world().run();
  CHECK(apps.told(next).is_held());
  const auto rows = house.rows();
  const CallRow& row = rows.back();
  CHECK(row.kind == CallKind::slot);
  CHECK(row.owner == "plugin:p");
  CHECK(row.description == "mine");
  CHECK(row.status == CallStatus::error);
  CHECK(row.error_kind == "http_500");
  CHECK(row.error_detail == "oops");
  CHECK(row.first_token_at - row.started_http_at == 1s);
}

TEST_CASE("plugin: a slot that is refused, or does not come, is a failure", "[actors][plugin]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  apps.acquire({.lease = 0s});
  PluginFixture plugin{house, "p", idle()};
  std::vector<std::string> codes;
  const auto note = [&](const plugin::SlotGrant& grant) {
    CHECK_FALSE(grant.slot);
    codes.push_back(grant.failure.code);
  };
  plugin.host().acquire({.profile = "p", .queue_wait = 3s}, note);
  plugin.host().acquire({.profile = "p"}, note);
  house.world().run();
  CHECK(codes == std::vector<std::string>{"queue_full"});
  house.world().advance(3s);
  CHECK(codes == std::vector<std::string>{"queue_full", "queue_wait_timeout"});
}

TEST_CASE("plugin: a slot outlives nothing: after the end it says nothing", "[actors][plugin]") {
  HouseFixture house{one_slot()};
  std::shared_ptr<plugin::Slot> slot;
  {
    PluginFixture plugin{house, "p", idle()};
    plugin.host().acquire({.profile = "p"},
                          [&](plugin::SlotGrant grant) { slot = std::move(grant.slot); });
    house.world().run();
  }
  REQUIRE(slot);
  slot->mark_first_token();
  slot.reset();
  house.world().run();
  CHECK(house.profile("p").occupancy.in_flight == 1);
}

// -- tasks ---------------------------------------------------------------------------------------

TEST_CASE("plugin: a task is durable, everybody's equal, and its end is told", "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(2s, "the answer"));
  PluginFixture plugin{house, "p", idle()};
  std::vector<plugin::TaskEnd> ends;
  plugin::TaskWish wish = chat("alpha", "{\"n\":1}");
  wish.description = "of a plugin";
  const std::string id = plugin.host().submit(
      wish, {.on_end = [&](const plugin::TaskEnd& end) { ends.push_back(end); }});
  house.world().run();
  const auto task = house.store().load(*TaskId::parse(id));
  REQUIRE((task.has_value() && task->has_value()));
  CHECK((*task)->owner == "plugin:p");
  CHECK((*task)->priority == Priority::background);
  CHECK_FALSE((*task)->attended);
  CHECK(ends.empty());
  house.world().advance(2s);
  REQUIRE(ends.size() == 1);
  CHECK(ends[0].id == id);
  CHECK_FALSE(ends[0].failure);
  CHECK(ends[0].body == "the answer");
  CHECK(ends[0].llm == "alpha");
  CHECK(ends[0].attempts == 1);
  CHECK(house.rows().at(0).description == "of a plugin");
}

TEST_CASE("plugin: a stream comes as it goes, or only its end to who lags behind",
          "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, stream_answer(3, 1s));
  const bool is_behind = GENERATE(false, true);
  PluginFixture plugin{house, "p", idle()};
  plugin.runner().is_behind = is_behind;
  std::string data;
  std::string body;
  plugin::TaskWish wish = chat("alpha");
  wish.is_streaming = true;
  plugin.host().submit(wish, {.on_data = [&](const std::string& events) { data += events; },
                              .on_end = [&](const plugin::TaskEnd& end) { body = end.body; }});
  house.world().advance(2s);
  CHECK(data == (is_behind ? "" : "e0;e1;"));
  house.world().advance(2s);
  CHECK(data == (is_behind ? "" : "e0;e1;e2;"));
  CHECK(body == "assembled");
}

TEST_CASE("plugin: a task for what is not there yet waits for it", "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "p", idle()};
  bool has_ended = false;
  plugin.host().submit(chat("alpha"),
                       {.on_end = [&](const plugin::TaskEnd& end) { has_ended = !end.failure; }});
  house.world().advance(60s);
  CHECK_FALSE(has_ended);
  house.add_backend("alpha", 1, whole_answer(1s));
  house.world().advance(1s);
  CHECK(has_ended);
}

TEST_CASE("plugin: it cancels its own tasks and nobody else's", "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(10s));
  PluginFixture plugin{house, "p", idle()};
  const auto other = house.submit({});
  std::string code;
  const std::string id = plugin.host().submit(
      chat("alpha"), {.on_end = [&](const plugin::TaskEnd& end) { code = end.failure.code; }});
  house.world().run();
  plugin.host().cancel(house.task_of(other).to_string());
  plugin.host().cancel("no id");
  plugin.host().cancel(id);
  house.world().run();
  CHECK(code == "task_cancelled");
  CHECK_FALSE(house.told(other).is_over());
}

TEST_CASE("plugin: what it may have open is bounded", "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "p", idle()};
  std::vector<std::string> codes;
  for (std::size_t index = 0; index < actors::plugin_tasks_max + 1; ++index) {
    plugin.host().submit(chat("alpha"), {.on_end = [&](const plugin::TaskEnd& end) {
                           codes.push_back(end.failure.code);
                         }});
  }
  house.world().run();
  CHECK(codes == std::vector<std::string>{"queue_full"});
  int called = 0;
  for (std::size_t index = 0; index < actors::plugin_timers_max + 1; ++index) {
    plugin.host().call_later(1s, [&] { ++called; });
  }
  house.world().advance(1s);
  CHECK(called == static_cast<int>(actors::plugin_timers_max));
  REQUIRE(plugin.lines().size() == 1);
}

// -- events --------------------------------------------------------------------------------------

TEST_CASE("plugin: it hears of calls under way, then of every change", "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(5s, R"({"usage":{"completion_tokens":7}})"));
  const auto first = house.submit({.priority = Priority::interactive});
  const auto second = house.submit({});
  std::vector<plugin::CallEvent> events;
  PluginFixture plugin{
      house, "p", std::make_unique<LambdaPlugin>([&](plugin::Host& host) {
        host.watch_calls([&](const plugin::CallEvent& event) { events.push_back(event); });
      })};
  REQUIRE(events.size() == 2);
  CHECK(events[0].id == house.task_of(first).to_string());
  CHECK(events[0].status == "running");
  CHECK(events[0].llm == "alpha");
  CHECK(events[0].priority == plugin::Priority::interactive);
  CHECK(events[1].id == house.task_of(second).to_string());
  CHECK(events[1].status == "queued");
  events.clear();
  house.world().advance(5s);
  const auto ok =
      std::find_if(events.begin(), events.end(), [](const auto& event) { return event.has_ended; });
  REQUIRE(ok != events.end());
  CHECK(ok->status == "ok");
  CHECK(ok->tokens_out == 7);
  CHECK(ok->service_time_ms == 5000);
}

TEST_CASE("plugin: events that it does not keep up with are left out and counted",
          "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  std::vector<plugin::CallEvent> events;
  PluginFixture plugin{
      house, "p", std::make_unique<LambdaPlugin>([&](plugin::Host& host) {
        host.watch_calls([&](const plugin::CallEvent& event) { events.push_back(event); });
      })};
  plugin.runner().is_behind = true;
  house.submit({});
  house.world().advance(1s);
  CHECK(events.empty());
  plugin.runner().is_behind = false;
  house.submit({});
  REQUIRE_FALSE(events.empty());
  // Queued, running, ended.
  CHECK(events[0].missed == 3);
  CHECK(events[1].missed == 0);
}

// -- what goes wrong -----------------------------------------------------------------------------

TEST_CASE("plugin: what it throws is logged and ends only what was being done",
          "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  PluginFixture plugin{house, "p", idle()};
  plugin.host().call_later(1s, [] { throw std::runtime_error("first"); });
  plugin.host().call_later(2s, [] { throw 42; });
  bool is_called = false;
  plugin.host().call_later(3s, [&] { is_called = true; });
  house.world().advance(3s);
  CHECK(is_called);
  CHECK(plugin.lines() == std::vector<std::string>{"call_later threw: first",
                                                   "call_later threw what is no std::exception"});
}

TEST_CASE("plugin: of a start that throws nothing stays", "[actors][plugin]") {
  HouseFixture house;
  class Fine final : public plugin::Backend {
    Answer run(plugin::Call&) override { return Answer::whole("{}"); }
  };
  int heard = 0;
  PluginFixture plugin{house, "p", std::make_unique<LambdaPlugin>([&](plugin::Host& host) {
                         host.offer({.name = "half"}, std::make_shared<Fine>());
                         host.watch_calls([&](const plugin::CallEvent&) { ++heard; });
                         throw std::runtime_error("no licence");
                       })};
  CHECK(plugin.lines() == std::vector<std::string>{"start threw: no licence"});
  CHECK(house.told(house.submit({.target = "half"})).code() == ErrorCode::model_not_found);
  CHECK(heard == 0);
}

TEST_CASE("plugin: after its end nothing of it reaches the house", "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  PluginFixture plugin{house, "p", idle()};
  plugin.shut();
  plugin.host().submit(chat("alpha"), {});
  plugin.host().acquire({.profile = "p"}, [](plugin::SlotGrant) {});
  house.world().advance(5s);
  CHECK(house.rows().empty());
}

}  // namespace signalbox::testing
