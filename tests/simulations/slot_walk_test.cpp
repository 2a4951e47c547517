// Goal: under random asking, giving back, dying, waiting and reconfiguring, of slots and tasks
// side by side, there are never more holders than slots, no slot is lost, and the order is strict
// across classes and first come, first served inside one.
// Method: random walks over the real actors on the virtual clock, the schedule drawn from the seed;
// after each step the profile is compared with what the holders know.
#include <algorithm>
#include <catch2/catch.hpp>

#include "simulations/scenario/random.hpp"
#include "tests/support/slot_fixture.hpp"

namespace signalbox::testing {
namespace {

constexpr Duration forever = 80'000s;

class SlotWalk {
 public:
  explicit SlotWalk(std::uint64_t seed)
      : x_random{seed, "slot-walk"},
        x_house{settings(), sim::VirtualOptions{.schedule_seed = seed, .id_seed = seed}},
        x_apps{x_house} {
    x_house.add_backend("alpha", 100, whole_answer(3s));
  }

  void step() {
    const std::size_t admitted_before = x_apps.ledger().admissions.size();
    switch (x_random.below(8)) {
      case 0:
      case 1:
      case 2:
        acquire();
        break;
      case 3:
        if (const auto slot = pick(true)) x_apps.release(*slot);
        break;
      case 4:
        if (const auto slot = pick(x_random.below(2) == 0)) x_apps.drop(*slot);
        break;
      case 5:
        x_house.submit({.priority = any_class(), .profile = "p", .queue_wait = forever});
        break;
      case 6:
        x_slots = static_cast<std::uint32_t>(x_random.below(4));
        x_house.configure({.name = "p", .max_concurrent = x_slots});
        break;
      default:
        // Leases of 5 s that nobody renews end here, and tasks of 3 s.
        x_house.world().advance(std::chrono::seconds{x_random.below(4)});
        if (const auto slot = pick(true)) x_apps.renew(*slot);
        break;
    }
    check(admitted_before);
  }

  void finish() {
    x_house.configure({.name = "p", .max_concurrent = 1000});
    x_house.world().advance(10s);
    for (const SlotId slot : x_asked) {
      if (x_apps.told(slot).is_held()) x_apps.drop(slot);
    }
    const auto status = x_house.profile("p");
    CHECK(status.occupancy.in_flight == 0);
    CHECK(waiting_in(status) == 0);
    for (const SlotId slot : x_asked) {
      CAPTURE(slot.to_string());
      CHECK(x_apps.told(slot).ended);
    }
  }

 private:
  static actors::BrokerSettings settings() {
    actors::BrokerSettings settings;
    settings.profile_defaults.max_concurrent = 2;
    settings.profile_defaults.max_queued = 1000;
    settings.profile_defaults.default_inference_s = 86'400;
    return settings;
  }

  Priority any_class() { return all_priorities[x_random.below(3)]; }

  void acquire() {
    SlotSpec spec;
    spec.priority = any_class();
    spec.lease = x_random.below(2) == 0 ? Duration{5s} : Duration{0s};
    spec.queue_wait = forever;
    const SlotId slot = x_apps.acquire(spec);
    x_asked.push_back(slot);
    x_class[slot] = spec.priority;
  }

  std::optional<SlotId> pick(bool is_held) {
    std::vector<SlotId> fitting;
    for (const SlotId slot : x_asked) {
      const SlotTold& told = x_apps.told(slot);
      if (is_held ? told.is_held() : told.is_waiting()) fitting.push_back(slot);
    }
    if (fitting.empty()) return std::nullopt;
    return fitting[x_random.below(fitting.size())];
  }

  static std::size_t waiting_in(const actors::ProfileStatus& status) {
    const auto& waiting = status.occupancy.waiting;
    return waiting[0] + waiting[1] + waiting[2];
  }

  /// The better turn comes first; ids rise in the order they were asked for.
  [[nodiscard]] std::pair<Priority, SlotId> turn(SlotId slot) const {
    return {x_class.at(slot), slot};
  }

  void check(std::size_t admitted_before) {
    const auto status = x_house.profile("p");
    std::size_t held = 0;
    std::size_t waiting = 0;
    for (const SlotId slot : x_asked) {
      held += x_apps.told(slot).is_held() ? 1 : 0;
      waiting += x_apps.told(slot).is_waiting() ? 1 : 0;
    }
    const auto& occupancy = status.occupancy;
    REQUIRE(occupancy.in_flight >= held);
    REQUIRE(waiting_in(status) >= waiting);
    const auto& admissions = x_apps.ledger().admissions;
    const bool has_admitted = admissions.size() > admitted_before;
    if (has_admitted) REQUIRE(occupancy.in_flight <= std::max(x_slots, x_in_flight));
    // Nobody waits while a slot is free.
    if (waiting_in(status) > 0) REQUIRE(occupancy.in_flight >= x_slots);
    for (std::size_t index = admitted_before; index < admissions.size(); ++index) {
      for (const SlotId slot : x_asked) {
        if (x_apps.told(slot).is_waiting()) REQUIRE(turn(admissions[index]) < turn(slot));
      }
    }
    x_in_flight = occupancy.in_flight;
  }

  sim::RandomStream x_random;
  HouseFixture x_house;
  SlotApps x_apps;
  std::vector<SlotId> x_asked;
  std::map<SlotId, Priority> x_class;
  std::uint32_t x_slots = 2;
  std::uint32_t x_in_flight = 0;
};

void walk(std::uint64_t first_seed, std::uint64_t seeds, int steps) {
  for (std::uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    CAPTURE(seed);
    SlotWalk walk{seed};
    for (int step = 0; step < steps; ++step) {
      CAPTURE(step);
      walk.step();
    }
    walk.finish();
  }
}

}  // namespace

TEST_CASE("slots: a walk", "[simulations][slot]") {
  walk(1, 60, 120);
}

TEST_CASE("slots: a long walk", "[.slow][simulations][slot]") {
  walk(1000, 2000, 300);
}

}  // namespace signalbox::testing
