// Goal: slots of apps' own calls share queues and slots with tasks, and none is ever lost.
// Method: the real actors on the virtual clock.
#include <catch2/catch.hpp>

#include "tests/support/slot_fixture.hpp"

namespace signalbox::testing {
namespace {

actors::BrokerSettings one_slot() {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_concurrent = 1;
  settings.profile_defaults.max_queued = 2;
  settings.profile_defaults.default_queue_wait_s = 20;
  settings.profile_defaults.default_inference_s = 120;
  return settings;
}

}  // namespace

TEST_CASE("slot: admitted at once, marked, given back with its row", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const SlotId slot = apps.acquire({.lease = 30s});
  REQUIRE(apps.told(slot).is_held());
  const actors::SlotStatus& status = apps.told(slot).admitted->status;
  CHECK(status.request.queue_wait == 20s);
  CHECK(status.request.inference == 120s);
  CHECK(house.profile("p").occupancy.in_flight == 1);
  CHECK(apps.row(slot).status == CallStatus::running);
  house.world().advance(1s);
  CHECK(apps.mark(slot, SlotMark::started_http).error.code == ErrorCode::none);
  house.world().advance(1s);
  CHECK(apps.mark(slot, SlotMark::first_token).error.code == ErrorCode::none);
  house.world().advance(1s);
  const auto released = apps.release(slot, {CallStatus::error, "http_500", "oops"});
  REQUIRE(released.error.code == ErrorCode::none);
  CHECK(released.row->status == CallStatus::error);
  CHECK(released.row->error_kind == "http_500");
  CHECK(released.row->service_time_ms == 3000);
  CHECK(released.row->first_token_at - released.row->started_http_at == 1s);
  CHECK(house.profile("p").occupancy.in_flight == 0);
  CHECK(apps.release(slot).error.code == ErrorCode::slot_not_found);
  CHECK(apps.renew(slot).error.code == ErrorCode::slot_not_found);
}

TEST_CASE("slot: another owner's is not there", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const SlotId slot = apps.acquire();
  CHECK(apps.mark(slot, SlotMark::first_token, "bob").error.code == ErrorCode::slot_not_found);
  CHECK(apps.renew(slot, "bob").error.code == ErrorCode::slot_not_found);
  CHECK(apps.release(slot, {}, "bob").error.code == ErrorCode::slot_not_found);
  CHECK(apps.told(slot).is_held());
}

TEST_CASE("slot: waits its turn by class, and is told its place", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const SlotId first = apps.acquire({.lease = 1000s});
  const SlotId bulk = apps.acquire({.priority = Priority::background, .wants_position = true});
  CHECK(apps.told(bulk).positions == std::vector<std::size_t>{1});
  const SlotId chat = apps.acquire({.priority = Priority::interactive});
  house.world().advance(2s);
  CHECK(apps.told(bulk).positions == std::vector<std::size_t>{1, 2});
  apps.release(first);
  CHECK(apps.told(chat).is_held());
  CHECK(apps.told(bulk).is_waiting());
  house.world().advance(2s);
  CHECK(apps.told(bulk).positions == std::vector<std::size_t>{1, 2, 1});
  apps.release(chat);
  CHECK(apps.told(bulk).is_held());
  CHECK(apps.told(bulk).admitted->status.queue_wait_ms == 4000);
}

TEST_CASE("slot: the class's bound refuses at once, and leaves a row", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  apps.acquire();
  apps.acquire();
  apps.acquire();
  const SlotId extra = apps.acquire();
  CHECK(apps.told(extra).code() == ErrorCode::queue_full);
  CHECK(apps.row(extra).status == CallStatus::queue_full);
  CHECK(apps.told(apps.acquire({.priority = Priority::background})).is_waiting());
}

TEST_CASE("slot: both budgets end it on time", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const SlotId held = apps.acquire({.lease = 1000s, .inference = 7s});
  const SlotId late = apps.acquire({.queue_wait = 3s});
  house.world().advance(3s);
  CHECK(apps.told(late).code() == ErrorCode::queue_wait_timeout);
  CHECK(apps.row(late).status == CallStatus::queue_wait_timeout);
  CHECK(apps.told(held).is_held());
  house.world().advance(4s);
  CHECK(apps.told(held).code() == ErrorCode::inference_timeout);
  CHECK(apps.row(held).status == CallStatus::inference_timeout);
  CHECK(house.profile("p").occupancy.in_flight == 0);
}

TEST_CASE("slot: a lease that is not renewed is taken back on time", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const Instant start = house.world().now();
  const SlotId slot = apps.acquire({.lease = 10s});
  const SlotId next = apps.acquire();
  house.world().advance(9s);
  CHECK(apps.renew(slot).error.code == ErrorCode::none);
  house.world().advance(9s);
  CHECK(apps.told(slot).is_held());
  CHECK(apps.told(next).is_waiting());
  house.world().advance(1s);
  CHECK_FALSE(apps.told(slot).is_held());
  CHECK(apps.told(slot).ended_at == start + 19s);
  CHECK(apps.row(slot).error_kind == "lease_expired");
  CHECK(apps.told(next).is_held());
  CHECK(apps.renew(slot).error.code == ErrorCode::slot_not_found);
}

TEST_CASE("slot: held by a connection, it goes with it", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const SlotId held = apps.acquire({.lease = 0s});
  const SlotId waiting = apps.acquire({.lease = 0s});
  const SlotId last = apps.acquire({.lease = 0s});
  house.world().advance(5s);
  CHECK(apps.told(held).is_held());
  apps.drop(waiting);
  CHECK(apps.row(waiting).status == CallStatus::cancelled);
  apps.drop(held);
  CHECK(apps.row(held).status == CallStatus::ok);
  CHECK(apps.told(last).is_held());
  apps.drop(last);
  CHECK(house.profile("p").occupancy.in_flight == 0);
}

TEST_CASE("slot: one that waits can be cancelled by its id", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  apps.acquire();
  const SlotId waiting = apps.acquire();
  const auto released = apps.release(waiting);
  REQUIRE(released.error.code == ErrorCode::none);
  CHECK(released.row->status == CallStatus::cancelled);
  CHECK(apps.told(waiting).code() == ErrorCode::task_cancelled);
  CHECK(house.profile("p").occupancy.waiting[1] == 0);
}

TEST_CASE("slot: shares slots with tasks", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  house.add_backend("alpha", 4, whole_answer(2s));
  const SlotId slot = apps.acquire({.lease = 1000s});
  const auto call = house.submit({.profile = "p"});
  const SlotId after = apps.acquire({.lease = 1000s});
  house.world().advance(3s);
  CHECK_FALSE(house.told(call).is_over());
  apps.release(slot);
  CHECK(apps.told(after).is_waiting());
  house.world().advance(2s);
  CHECK(house.told(call).ended);
  CHECK(apps.told(after).is_held());
}

TEST_CASE("slot: a paused profile admits nobody until it is raised", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  house.configure({.name = "p", .max_concurrent = 0});
  const SlotId first = apps.acquire();
  const SlotId second = apps.acquire();
  CHECK(apps.told(first).is_waiting());
  house.configure({.name = "p", .max_concurrent = 2});
  CHECK(apps.told(first).is_held());
  CHECK(apps.told(second).is_held());
}

TEST_CASE("slot: a broker that stops takes none and ends those there are", "[actors][slot]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const SlotId held = apps.acquire();
  const SlotId waiting = apps.acquire();
  actors::begin_drain(house.house());
  house.world().run();
  CHECK(apps.told(apps.acquire()).code() == ErrorCode::draining);
  CHECK(apps.told(held).is_held());
  ask<actors::Done>(house.world(), house.house().broker, actors::ShelveTasks{});
  CHECK(apps.told(held).code() == ErrorCode::draining);
  CHECK(apps.told(waiting).code() == ErrorCode::draining);
}

}  // namespace signalbox::testing
