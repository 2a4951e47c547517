// Goal: what an app is told of its slot too early, too late, twice or for nothing is seen. Method:
// events fed by hand, without a house.
#include <catch2/catch.hpp>

#include "simulations/campaign/invariants.hpp"
#include "tests/simulations/silent_witness.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t workflow_app = 0;
constexpr std::uint32_t interactive_app = 1;

sim::Scenario two_apps() {
  sim::Scenario scenario;
  ProfileSettings line;
  line.max_concurrent = 1;
  line.max_queued = 2;
  line.default_queue_wait_s = 10;
  line.default_inference_s = 5;
  scenario.profiles["line"] = line;
  for (const Priority priority : {Priority::workflow, Priority::interactive}) {
    sim::ClientSpec app;
    app.name = std::string{to_string(priority)};
    app.priority = priority;
    app.profile = "line";
    app.slot.emplace();
    app.slot->lease = 2s;
    scenario.clients.push_back(app);
  }
  return scenario;
}

SlotId slot_of(actors::CallNumber number) {
  IdBytes bytes{};
  bytes.back() = static_cast<std::uint8_t>(number);
  return SlotId{bytes};
}

/// Tells the invariants what a house might have done. Calls and slots have the same numbers.
class SlotStory {
 public:
  explicit SlotStory(sim::Scenario scenario = two_apps())
      : x_scenario{std::move(scenario)},
        x_house{x_scenario, {}, x_witness},
        x_rules{x_scenario, 0} {
    x_rules.started(x_house, 0s);
  }

  void ask(actors::CallNumber number, std::uint32_t client = workflow_app) {
    x_rules.slot_asked({number, slot_of(number), client}, x_now);
  }
  void admit(actors::CallNumber number) {
    actors::SlotAdmitted message;
    message.call = number;
    message.status.request.id = slot_of(number);
    x_rules.slot_admitted(message, x_now);
  }
  void hold(actors::CallNumber number) {
    ask(number);
    admit(number);
  }
  void renew(actors::CallNumber number) { x_rules.slot_renewed(number, x_now); }
  void release(actors::CallNumber number) { x_rules.slot_released(number, CallStatus::ok, x_now); }
  void end(actors::CallNumber number, ErrorCode code = ErrorCode::none) {
    actors::SlotEnded message{number, slot_of(number), {}};
    message.error.code = code;
    x_rules.slot_ended(message, x_now);
  }
  void pass(Duration time) {
    x_rules.settled(x_house, x_now);
    x_now += time;
    x_rules.settled(x_house, x_now);
  }
  [[nodiscard]] int broken() const {
    return x_rules.violation() ? x_rules.violation()->invariant : 0;
  }

 private:
  sim::Scenario x_scenario;
  SilentWitness x_witness;
  sim::SimulatedHouse x_house;
  sim::Invariants x_rules;
  Duration x_now{};
};

}  // namespace

TEST_CASE("invariants: apps that take turns break none", "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.pass(1s);
  story.ask(2);
  story.ask(3, interactive_app);
  story.renew(1);
  story.pass(2s);
  story.renew(1);
  story.release(1);
  story.end(1);
  story.admit(3);
  story.pass(2s);
  story.end(3, ErrorCode::slot_not_found);
  story.admit(2);
  story.pass(1s);
  CHECK(story.broken() == 0);
}

TEST_CASE("invariants: I4, let in for a slot that another took",
          "[simulations][invariants][slot]") {
  const auto tell = [](bool is_slot_freed) {
    SlotStory story;
    story.hold(1);
    story.ask(2);
    story.ask(3);
    story.pass(1s);
    // There is no room in line, but a slot that is free: of the interactive call that takes it, the
    // end before is told afterwards.
    story.ask(4);
    story.ask(5, interactive_app);
    if (is_slot_freed) {
      story.release(1);
      story.admit(5);
      story.end(1);
    }
    story.pass(1s);
    return story.broken();
  };
  CHECK(tell(true) == 0);
  CHECK(tell(false) == 4);
}

TEST_CASE("invariants: I1, a slot that ends for no reason", "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.pass(1s);
  story.end(1);
  CHECK(story.broken() == 1);
}

TEST_CASE("invariants: I3, two apps in one slot", "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.hold(2);
  CHECK(story.broken() == 0);
  story.pass(1s);
  CHECK(story.broken() == 3);
}

// Where a policy may hold tasks back, an app in line is none of them.
TEST_CASE("invariants: I3, an app in line that the house knows nothing of",
          "[simulations][invariants][slot]") {
  sim::Scenario scenario = two_apps();
  scenario.profiles["line"].policy = "swap";
  scenario.profiles["line"].policy_options.swap_hold_s = 5;
  SlotStory story{scenario};
  story.ask(1);
  for (int look = 0; look < 64; ++look) story.pass(1ms);
  CHECK(story.broken() == 3);
}

TEST_CASE("invariants: I4, an app refused with room in line", "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.ask(2);
  story.pass(1s);
  story.ask(3);
  story.end(3, ErrorCode::queue_full);
  CHECK(story.broken() == 0);
  story.pass(1s);
  CHECK(story.broken() == 4);
}

TEST_CASE("invariants: I4, apps let in beyond the bound", "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.pass(1s);
  for (actors::CallNumber number = 2; number <= 4; ++number) story.ask(number);
  story.pass(1s);
  CHECK(story.broken() == 4);
}

TEST_CASE("invariants: I7, the app that came later before the other",
          "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.ask(2);
  story.pass(500ms);
  story.ask(3);
  story.pass(500ms);
  story.release(1);
  story.end(1);
  story.admit(3);
  story.pass(100ms);
  CHECK(story.broken() == 7);
}

TEST_CASE("invariants: I9, a lease that is over and one that is not",
          "[simulations][invariants][slot]") {
  SlotStory late;
  late.hold(1);
  late.pass(2s);
  CHECK(late.broken() == 0);
  late.pass(1ms);
  CHECK(late.broken() == 9);
  SlotStory early;
  early.hold(1);
  early.pass(1s);
  early.renew(1);
  early.pass(1500ms);
  early.end(1, ErrorCode::slot_not_found);
  CHECK(early.broken() == 9);
}

TEST_CASE("invariants: I9, a renewal at the lease's end may come too late",
          "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.pass(2s);
  story.renew(1);
  story.end(1, ErrorCode::slot_not_found);
  CHECK(story.broken() == 0);
}

TEST_CASE("invariants: I11, an app that is told of its end twice",
          "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.release(1);
  story.end(1);
  CHECK(story.broken() == 0);
  story.end(1);
  CHECK(story.broken() == 11);
}

TEST_CASE("invariants: I11, a slot that is given back and stays",
          "[simulations][invariants][slot]") {
  SlotStory story;
  story.hold(1);
  story.release(1);
  story.pass(1s);
  CHECK(story.broken() == 11);
}

}  // namespace signalbox::testing
