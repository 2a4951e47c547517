#include "simulations/world/slot_holders.hpp"

namespace signalbox::sim {
namespace {

using Kind = AgendaItem::Kind;

const SlotOutcome given_up{CallStatus::cancelled, "cancelled", "nobody needs it any more"};

}  // namespace

SlotHolders::SlotHolders(const Scenario& scenario, SimulatedHouse& house, Agenda& agenda,
                         Recorder& recorder, RunChecker* checker)
    : x_scenario{scenario},
      x_house{house},
      x_agenda{agenda},
      x_recorder{recorder},
      x_checker{checker} {}

void SlotHolders::ask(actors::CallNumber number, const Arrival& arrival) {
  const ClientSpec& client = x_scenario.clients[arrival.client];
  Hold& hold = x_holds[number];
  hold = {x_house.acquire_slot(number, client), arrival};
  x_recorder.slot_asked();
  if (x_checker != nullptr) {
    x_checker->slot_asked({number, hold.slot, arrival.client}, arrival.at);
  }
  const auto note = [&](const std::optional<Duration>& after, Kind kind) {
    if (after) x_agenda.add(arrival.at + *after, {kind, number});
  };
  note(arrival.acts.cancel_after, Kind::cancel);
  note(arrival.acts.hang_up_after, Kind::hang_up);
}

void SlotHolders::act(const AgendaItem& item) {
  const auto place = x_holds.find(item.number);
  if (place == x_holds.end() || !x_house.is_up()) return;
  const Hold& hold = place->second;
  const Duration now = x_house.now();
  if (item.kind == Kind::renew_slot) {
    renew(item.number, hold);
  } else if (item.kind == Kind::hang_up) {
    if (x_checker != nullptr) x_checker->slot_dropped(item.number, now);
    x_house.drop_slot(hold.slot);
  } else {
    const SlotOutcome outcome = item.kind == Kind::release_slot ? SlotOutcome{} : given_up;
    if (x_checker != nullptr) x_checker->slot_released(item.number, outcome.status, now);
    x_house.release_slot(hold.slot, client_of(hold).owner, outcome);
  }
}

void SlotHolders::renew(actors::CallNumber number, const Hold& hold) {
  const ClientSpec& client = client_of(hold);
  const Duration now = x_house.now();
  if (x_checker != nullptr) x_checker->slot_renewed(number, now);
  x_house.renew_slot(hold.slot, client.owner);
  x_agenda.add(now + client.slot->renew_every, {Kind::renew_slot, number});
}

void SlotHolders::admitted(const actors::SlotAdmitted& message) {
  const Duration now = x_house.now();
  x_recorder.slot_admitted(message.call, now);
  if (x_checker != nullptr) x_checker->slot_admitted(message, now);
  const auto place = x_holds.find(message.call);
  if (place == x_holds.end()) return;
  const Hold& hold = place->second;
  const SlotUse& use = *client_of(hold).slot;
  x_agenda.add(now + use.hold.draw(hold.arrival.size), {Kind::release_slot, message.call});
  if (use.renew_every > Duration::zero()) {
    x_agenda.add(now + use.renew_every, {Kind::renew_slot, message.call});
  }
}

void SlotHolders::ended(const actors::SlotEnded& message) {
  const Duration now = x_house.now();
  x_recorder.slot_ended(message.call, call_status_for(message.error.code), now);
  if (x_checker != nullptr) x_checker->slot_ended(message, now);
  x_holds.erase(message.call);
}

void SlotHolders::died() {
  for (const auto& [number, hold] : x_holds) {
    x_recorder.slot_ended(number, CallStatus::error, x_house.now());
  }
  x_holds.clear();
}

}  // namespace signalbox::sim
