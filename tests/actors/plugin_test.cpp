// Goal: code inside the process holds slots as apps do, and never keeps one by accident.
// Method: the handle on the virtual clock; the waiting call on a real system, from two threads.
#include "actors/plugin.hpp"

#include <catch2/catch.hpp>
#include <future>

#include "tests/support/slot_fixture.hpp"

namespace signalbox::testing {
namespace {

actors::BrokerSettings one_slot() {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_concurrent = 1;
  settings.profile_defaults.max_queued = 1;
  return settings;
}

}  // namespace

TEST_CASE("plugin: a handle marks its slot and gives it back", "[actors][plugin]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const SlotId id = apps.acquire({.lease = 0s});
  const SlotId next = apps.acquire({.lease = 0s});
  {
    actors::HeldSlot slot{house.house().broker, apps.told(id).admitted->status};
    slot.mark_started_http();
    actors::HeldSlot moved = std::move(slot);
    moved.mark_first_token();
    moved.fail("http_500", "oops");
    house.world().run();
    CHECK(apps.told(id).is_held());
  }
  house.world().run();
  const CallRow row = apps.row(id);
  CHECK(row.status == CallStatus::error);
  CHECK(row.error_kind == "http_500");
  CHECK(row.started_http_at != WallTime{});
  CHECK(row.first_token_at != WallTime{});
  CHECK(apps.told(next).is_held());
}

TEST_CASE("plugin: another slot in its place gives the first back", "[actors][plugin]") {
  HouseFixture house{one_slot()};
  SlotApps apps{house};
  const SlotId first = apps.acquire({.profile = "a", .lease = 0s});
  const SlotId second = apps.acquire({.profile = "b", .lease = 0s});
  actors::HeldSlot slot{house.house().broker, apps.told(first).admitted->status};
  slot = actors::HeldSlot{house.house().broker, apps.told(second).admitted->status};
  house.world().run();
  CHECK(apps.row(first).status == CallStatus::ok);
  CHECK(apps.told(second).is_held());
  slot.give_back();
  slot.give_back();
  house.world().run();
  CHECK(apps.row(second).status == CallStatus::ok);
}

TEST_CASE("plugin: a thread waits for its slot", "[actors][plugin]") {
  class SystemWall final : public WallClock {
   public:
    WallTime now() override { return WallTime{std::chrono::milliseconds{1}}; }
  };
  class Ids final : public IdSource {
   public:
    IdBytes next() override {
      const std::scoped_lock lock{x_mutex};
      return x_sequence.next(1);
    }

   private:
    std::mutex x_mutex;
    IdSequence x_sequence{7};
  };
  caf::actor_system_config config;
  caf::actor_system system{config};
  const auto ids = std::make_shared<Ids>();
  actors::HouseOptions options;
  options.broker = one_slot();
  const actors::House house = actors::build_house(
      system, std::move(options),
      {std::make_shared<SystemWall>(), ids, std::make_shared<persistence::MemoryTaskStore>()});
  const auto acquire = [&] {
    return actors::acquire_slot(system, house.broker, *ids,
                                {.profile = "p", .queue_wait = 60s, .description = "thread"});
  };
  auto first = acquire();
  REQUIRE(first.has_value());
  CHECK(first->status().request.profile == "p");
  auto second = std::async(std::launch::async, acquire);
  // Whoever comes while one holds and one waits is refused; the second may not have come yet.
  std::optional<ErrorCode> refusal;
  {
    auto third = std::async(std::launch::async, acquire);
    while (second.wait_for(0s) != std::future_status::ready &&
           third.wait_for(0s) != std::future_status::ready) {
      std::this_thread::yield();
    }
    auto& refused = second.wait_for(0s) == std::future_status::ready ? second : third;
    auto& waiting = &refused == &second ? third : second;
    refusal = refused.get().error().code;
    first->give_back();
    CHECK(waiting.get().has_value());
  }
  CHECK(refusal == ErrorCode::queue_full);
  actors::close_house(system, house);
}

}  // namespace signalbox::testing
