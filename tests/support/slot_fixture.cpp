#include "tests/support/slot_fixture.hpp"

namespace signalbox::testing {
namespace {

class SlotListenerState {
 public:
  explicit SlotListenerState(actors::SlotListener::pointer self) : x_self{self} {}
  actors::SlotListener::behavior_type make_behavior(std::shared_ptr<SlotLedger> ledger) {
    x_ledger = std::move(ledger);
    return {
        [this](const actors::SlotWaiting& message) {
          x_ledger->slots[message.slot].positions.push_back(message.position);
        },
        [this](const actors::SlotAdmitted& message) {
          const SlotId id = message.status.request.id;
          SlotTold& told = x_ledger->slots[id];
          told.admitted = message;
          told.admitted_at = x_self->clock().now();
          x_ledger->admissions.push_back(id);
        },
        [this](const actors::SlotEnded& message) {
          SlotTold& told = x_ledger->slots[message.slot];
          told.ended = message;
          told.ended_at = x_self->clock().now();
        },
    };
  }

 private:
  actors::SlotListener::pointer x_self;
  std::shared_ptr<SlotLedger> x_ledger;
};

actors::SlotListener::behavior_type slot_listener(
    actors::SlotListener::stateful_pointer<SlotListenerState> self,
    std::shared_ptr<SlotLedger> ledger) {
  return self->state.make_behavior(std::move(ledger));
}

}  // namespace

SlotApps::SlotApps(HouseFixture& house) : x_house{house} {
  x_listener = house.world().system().spawn(slot_listener, x_ledger);
  house.world().adopt(caf::actor_cast<caf::actor>(x_listener));
}

SlotApps::~SlotApps() {
  x_listener = nullptr;
}

SlotId SlotApps::acquire(const SlotSpec& spec) {
  actors::AcquireSlot acquire;
  acquire.call = x_next_call++;
  acquire.listener = x_listener;
  acquire.request.id = SlotId{x_house.world().ids()->next()};
  acquire.request.profile = spec.profile;
  acquire.request.priority = spec.priority;
  acquire.request.lease = spec.lease;
  acquire.request.owner = spec.owner;
  acquire.queue_wait = spec.queue_wait;
  acquire.inference = spec.inference;
  acquire.wants_position = spec.wants_position;
  const SlotId id = acquire.request.id;
  x_ledger->slots[id];
  caf::anon_send(x_house.house().broker, std::move(acquire));
  x_house.world().run();
  return id;
}

void SlotApps::drop(SlotId slot) {
  caf::anon_send(x_house.house().broker, actors::DropSlot{slot});
  x_house.world().run();
}

actors::SlotAnswer SlotApps::mark(SlotId slot, SlotMark mark, const std::string& owner) {
  return ask<actors::SlotAnswer>(x_house.world(), x_house.house().broker,
                                 actors::MarkSlot{{slot, owner}, mark});
}

actors::SlotAnswer SlotApps::renew(SlotId slot, const std::string& owner) {
  return ask<actors::SlotAnswer>(x_house.world(), x_house.house().broker,
                                 actors::RenewSlot{{slot, owner}});
}

actors::SlotAnswer SlotApps::release(SlotId slot, SlotOutcome outcome, const std::string& owner) {
  return ask<actors::SlotAnswer>(x_house.world(), x_house.house().broker,
                                 actors::ReleaseSlot{{slot, owner}, std::move(outcome)});
}

CallRow SlotApps::row(SlotId slot) {
  for (const CallRow& row : x_house.rows()) {
    if (row.id == slot.bytes) return row;
  }
  SIGNALBOX_ASSERT(false);
  return {};
}

}  // namespace signalbox::testing
