// Goal: calls that ended are counted, commits are measured, and who watches calls is told each
// change, until it does not watch any more. Method: the real actors on the virtual clock.
#include <catch2/catch.hpp>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {
namespace {

using Rows = std::shared_ptr<std::vector<CallRow>>;

actors::CallWatcher::behavior_type watcher(actors::CallWatcher::pointer, Rows rows) {
  return {[rows](const actors::CallChanged& message) { rows->push_back(*message.row); }};
}

actors::Figures figures(HouseFixture& house) {
  return ask<actors::Figures>(house.world(), house.house().metrics, actors::GetFigures{});
}

std::uint64_t outcomes(HouseFixture& house, CallStatus status) {
  return figures(house).calls->outcomes()[static_cast<std::size_t>(status)];
}

}  // namespace

TEST_CASE("call_events: each call is counted once, when it has ended", "[actors][call_events]") {
  HouseFixture house;
  house.add_backend("alpha", 1, stream_answer(2, 1s));
  house.submit({.streaming = true});
  const auto second = house.submit({});
  CHECK(outcomes(house, CallStatus::ok) == 0);
  house.hang_up(second);
  CHECK(outcomes(house, CallStatus::cancelled) == 1);
  house.world().advance(10s);
  CHECK(outcomes(house, CallStatus::ok) == 1);
  CHECK(outcomes(house, CallStatus::cancelled) == 1);
  const HistogramSeries::Labels labels{"openai_compat:model-of-alpha", "alpha"};
  const auto now = figures(house);
  CHECK(now.calls->service().all().at(labels).sum() == Approx(2.0));
  CHECK(now.calls->first_token().all().at(labels).sum() == Approx(1.0));
}

TEST_CASE("call_events: the store says how long its commits take", "[actors][call_events]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  const auto before = figures(house).commits.count();
  house.submit({});
  house.world().advance(1s);
  CHECK(figures(house).commits.count() > before);
}

TEST_CASE("call_events: a watcher is told changes while it watches", "[actors][call_events]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  const auto rows = std::make_shared<std::vector<CallRow>>();
  const auto told = house.world().system().spawn(watcher, rows);
  for (int repeat = 0; repeat < 2; ++repeat) {
    ask<actors::Done>(house.world(), house.house().metrics, actors::WatchCalls{told});
  }
  house.submit({});
  house.world().advance(1s);
  REQUIRE(rows->size() == 3);
  CHECK((*rows)[0].status == CallStatus::queued);
  CHECK((*rows)[1].status == CallStatus::running);
  CHECK((*rows)[2].status == CallStatus::ok);

  caf::anon_send(house.house().metrics, actors::UnwatchCalls{told});
  house.submit({});
  house.world().advance(1s);
  CHECK(rows->size() == 3);
  caf::anon_send_exit(told, caf::exit_reason::user_shutdown);
  house.world().run();
}

}  // namespace signalbox::testing
