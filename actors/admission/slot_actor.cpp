#include "actors/admission/slot_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "core/admission/budgets.hpp"

namespace signalbox::actors {
namespace {

/// How often whoever waits is told its place.
constexpr std::chrono::seconds position_interval{1};

/// A profile answers from memory.
constexpr std::chrono::seconds profile_patience{10};

}  // namespace

void SlotState::enter() {
  x_slot.emplace(x_setup.request, now(), wall());
  const SlotRequest& request = x_slot->request();
  ReserveTurn reserve;
  reserve.request.id = turn();
  reserve.request.priority = request.priority;
  reserve.request.queue_wait = request.queue_wait;
  reserve.request.inference = request.inference;
  reserve.request.owner = request.owner;
  reserve.is_ready = true;
  reserve.client = x_self;
  x_self->send(x_setup.profile, std::move(reserve));
  note_row();
}

void SlotState::granted(const TurnGranted& message) {
  // It left meanwhile; the profile has been told, and lets go of the slot, too.
  if (x_slot->has_ended()) return;
  x_place = Place::slot;
  x_slot->admit(message.queue_wait, now(), wall());
  note_row();
  x_self->send(x_setup.listener, SlotAdmitted{x_setup.call, status()});
  if (const auto lease_end = x_slot->lease_end()) set_tick(*lease_end - now());
}

void SlotState::expired(const BudgetExpired& message) {
  if (x_slot->has_ended()) return;
  const SlotRequest& request = x_slot->request();
  Error error;
  if (message.code == ErrorCode::inference_timeout) {
    error = inference_timeout(request.profile, to_seconds(request.inference),
                              "the slot was held for longer than the inference budget");
  } else {
    x_place = Place::left;
    error = queue_wait_timeout(request.profile, request.priority, to_seconds(request.queue_wait),
                               message.retry_after_s);
  }
  end(outcome_of(error), error);
}

// A timer cannot be taken back: a renewed lease is found alive, and looked at again at its end.
void SlotState::tick() {
  if (x_slot->has_ended()) return;
  if (!x_slot->is_held()) {
    ask_position();
    return;
  }
  const auto lease_end = x_slot->lease_end();
  if (!lease_end) return;
  if (*lease_end > now()) {
    set_tick(*lease_end - now());
    return;
  }
  end(lease_expired(), make_error(ErrorCode::slot_not_found, "the lease was not renewed in time"));
}

void SlotState::set_tick(Duration delay) {
  x_self->delayed_send(x_self, delay, SlotTick{++x_tick_generation});
}

void SlotState::ask_position() {
  x_self->request(x_setup.profile, profile_patience, FindPosition{turn()})
      .then(
          [this](const Positions& found) {
            if (found.positions.empty() || x_slot->is_held() || x_slot->has_ended()) return;
            const Position& here = found.positions.front();
            if (here.position != x_position) {
              x_position = here.position;
              x_self->send(x_setup.listener, SlotWaiting{x_setup.call, x_slot->request().id,
                                                         here.position, here.estimated_wait_s});
            }
            set_tick(position_interval);
          },
          [](const caf::error&) {});
}

// A connection that was the lease gives the slot back by closing. Of one that only waited for the
// admission, nobody knows the slot's id.
void SlotState::dropped() {
  if (x_slot->has_ended()) return;
  const bool is_given_back = x_slot->is_held() && x_slot->request().lease == Duration::zero();
  if (is_given_back) {
    end({}, {});
  } else {
    const Error error = make_error(ErrorCode::task_cancelled, "the caller hung up");
    end(outcome_of(error), error);
  }
}

void SlotState::end(const SlotOutcome& outcome, Error error) {
  x_slot->end(outcome, now(), wall());
  note_row();
  x_self->send(x_setup.listener, SlotEnded{x_setup.call, x_slot->request().id, std::move(error)});
  if (x_place == Place::slot) {
    x_place = Place::left;
    const bool is_done = outcome.status == CallStatus::ok;
    x_self->send(x_setup.profile, LeaveProfile{turn(), {}, {}, is_done});
  } else if (x_place == Place::queued) {
    x_place = Place::leaving;
    x_self->send(x_setup.profile, LeaveProfile{turn(), TurnClient{x_self}});
  }
  retire_when_done();
}

void SlotState::retire_when_done() {
  if (!x_slot->has_ended() || x_place != Place::left || x_is_retiring) return;
  x_is_retiring = true;
  x_self->send(x_setup.house.broker, SlotGone{x_slot->request().id});
}

template <class Change>
SlotAnswer SlotState::change(Change change) {
  if (x_slot->is_held()) {
    change();
    return answer();
  }
  SlotAnswer missing;
  missing.error = make_error(ErrorCode::slot_not_found, "there is no such slot");
  return missing;
}

// Who waits does not know the slot's id: this is somebody who looks on, and ends it.
SlotAnswer SlotState::release(const SlotOutcome& outcome) {
  const bool is_waiting = !x_slot->is_held() && !x_slot->has_ended();
  if (!is_waiting) {
    return change([&] { end(outcome, {}); });
  }
  const Error error = make_error(ErrorCode::task_cancelled, "the slot was cancelled in the queue");
  end(outcome_of(error), error);
  return answer();
}

SlotAnswer SlotState::answer() const {
  SlotAnswer answer;
  answer.status = status();
  answer.row = std::make_shared<const CallRow>(x_slot->row());
  return answer;
}

void SlotState::note_row() {
  x_self->send(x_setup.house.metrics, CallChanged{std::make_shared<const CallRow>(x_slot->row())});
}

SlotStatus SlotState::status() const {
  return {x_slot->request(), x_slot->row().admitted_at, x_slot->row().queue_wait_ms};
}

Instant SlotState::now() const {
  return x_self->clock().now();
}

SlotActor::behavior_type SlotState::make_behavior(SlotSetup setup) {
  x_setup = std::move(setup);
  enter();
  return {
      [this](TurnReserved) {
        if (x_setup.wants_position && !x_slot->has_ended()) ask_position();
      },
      [this](const TurnRefused& message) {
        x_place = Place::left;
        if (!x_slot->has_ended()) end(outcome_of(message.error), message.error);
        retire_when_done();
      },
      [this](const TurnGranted& message) { granted(message); },
      // An app's own call is never stopped.
      [](YieldTurn) {},
      [this](LeftProfile) {
        x_place = Place::left;
        retire_when_done();
      },
      [this](const BudgetExpired& message) { expired(message); },
      [this](const MarkSlot& message) {
        return change([&] {
          x_slot->mark(message.mark, wall());
          note_row();
        });
      },
      [this](const RenewSlot&) { return change([&] { x_slot->renew(now()); }); },
      [this](const ReleaseSlot& message) { return release(message.outcome); },
      [this](const DropSlot&) { dropped(); },
      [this](const EndSlot& message) {
        if (!x_slot->has_ended()) end(outcome_of(message.error), message.error);
      },
      [this](const SlotTick& message) {
        if (message.generation == x_tick_generation) tick();
      },
      [this](Retire) { x_self->quit(); },
  };
}

SlotActor::behavior_type slot_actor(SlotActor::stateful_pointer<SlotState> self, SlotSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
