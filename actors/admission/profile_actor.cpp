#include "actors/admission/profile_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/messages/sent.hpp"

namespace signalbox::actors {
namespace {

/// A backend that could not be woken is tried again after this (http-api 8.8).
constexpr std::chrono::seconds wake_again_after{60};

}  // namespace

Instant ProfileState::now() const {
  return x_self->clock().now();
}

void ProfileState::reserve(const ReserveTurn& message) {
  const TaskId id = message.request.id;
  if (auto refused = x_scheduler->reserve(message.request, now(), message.session)) {
    x_self->send(message.client, TurnRefused{std::move(*refused)});
    return;
  }
  x_clients[id] = message.client;
  x_self->send(message.client, TurnReserved{});
  if (message.is_ready) {
    x_scheduler->enqueue(id);
    pump();
  } else {
    // It is not in line yet: nobody's turn has come, but its time runs.
    set_timer();
  }
}

void ProfileState::watch(const WatchTurn& message) {
  x_clients[message.id] = message.task;
  x_scheduler->set_inference(message.id, message.inference);
  x_scheduler->set_preemptions(message.id, message.preemptions);
  if (x_scheduler->is_yielding(message.id)) tell_yield(message.id);
  pump();
}

void ProfileState::refused(const LeaseRefused& message) {
  const auto callers = x_scheduler->lease_refused(message.target, now() + wake_again_after, now());
  for (const TaskId id : callers) {
    const auto place = x_clients.find(id);
    if (place == x_clients.end()) continue;
    x_self->send(place->second, TurnRefused{message.error});
    x_clients.erase(place);
  }
  pump();
}

void ProfileState::restore(const RestoreTurns& message) {
  for (const WaiterRequest& turn : *message.turns) x_scheduler->restore(turn, now());
  pump();
}

void ProfileState::expire() {
  for (const Expiry& expiry : x_scheduler->expire(now())) {
    const auto place = x_clients.find(expiry.id);
    if (place == x_clients.end()) continue;
    x_self->send(place->second,
                 BudgetExpired{expiry.code, x_scheduler->estimated_wait_s(1), expiry.is_unserved});
    if (expiry.code == ErrorCode::queue_wait_timeout) x_clients.erase(place);
  }
}

ExecutorActor ProfileState::take_executor(const Lease& lease) {
  const auto place = x_executors.find(lease.number);
  SIGNALBOX_ASSERT(place != x_executors.end());
  ExecutorActor executor = std::move(place->second);
  x_executors.erase(place);
  return executor;
}

void ProfileState::tell_turn(Grant&& grant) {
  ExecutorActor executor;
  if (!grant.lease.llm.empty()) executor = take_executor(grant.lease);
  const auto place = x_clients.find(grant.id);
  if (place != x_clients.end()) {
    x_self->send(place->second,
                 TurnGranted{std::move(grant.lease), std::move(executor), grant.queue_wait});
  } else {
    x_self->send(x_house.broker,
                 BacklogGranted{grant.id, x_scheduler->name(), std::move(grant.lease),
                                std::move(executor), grant.queue_wait});
  }
}

void ProfileState::tell_yield(TaskId id) {
  const auto place = x_clients.find(id);
  if (place != x_clients.end()) x_self->send(place->second, YieldTurn{});
}

RequesterId ProfileState::requester() const {
  return "profile " + x_scheduler->name();
}

void ProfileState::pump() {
  std::vector<Grant> grants;
  do {
    for (std::string& target : x_scheduler->withdrawals()) {
      x_self->send(x_house.directory, WithdrawLease{requester(), std::move(target)});
    }
    for (AskForLease& ask : x_scheduler->asks(now())) {
      AcquireLease message;
      message.request.requester = requester();
      message.request.target = std::move(ask.target);
      message.request.priority = ask.priority;
      message.request.sessions = std::move(ask.sessions);
      message.client = x_self;
      message.subscriber = ProfileActor{x_self};
      x_self->send(x_house.directory, std::move(message));
    }
    std::vector<Lease> unused;
    grants = x_scheduler->settle(now(), unused);
    for (Grant& grant : grants) tell_turn(std::move(grant));
    for (Lease& lease : unused) {
      take_executor(lease);
      x_self->send(x_house.directory, ReleaseLease{std::move(lease)});
    }
  } while (!grants.empty());
  for (const TaskId id : x_scheduler->preempt()) tell_yield(id);
  set_timer();
}

// A timer cannot be taken back, so there is one at a time, set anew only when the next deadline is
// sooner.
void ProfileState::set_timer() {
  const auto deadline = x_scheduler->next_deadline();
  if (!deadline || (x_timer && *x_timer <= *deadline)) return;
  x_timer = deadline;
  ++x_timer_generation;
  const Instant at = now();
  const Duration delay = *deadline > at ? *deadline - at : Duration::zero();
  x_self->delayed_send(x_self, delay, DeadlineTick{x_timer_generation});
}

ProfileStatus ProfileState::status() const {
  ProfileStatus status;
  status.name = x_scheduler->name();
  status.settings = x_scheduler->settings();
  status.occupancy = x_scheduler->occupancy();
  status.estimated_wait_s = x_scheduler->estimated_wait_s(Priority::workflow);
  return status;
}

ProfileActor::behavior_type ProfileState::make_behavior(std::string profile,
                                                        ProfileSettings settings, House house) {
  x_house = std::move(house);
  x_scheduler.emplace(std::move(profile), std::move(settings));
  // What every call needs comes first: CAF tries them in order.
  return {
      sent([this](LeaseGranted& message) {
        x_executors[message.lease.number] = message.executor;
        x_scheduler->lease_granted(message.target, std::move(message.lease));
        pump();
      }),
      sent([this](const ReserveTurn& message) { reserve(message); }),
      sent([this](const EnqueueTurn& message) {
        if (message.is_backlog) x_clients.erase(message.task);
        x_scheduler->enqueue(message.task);
        pump();
      }),
      sent([this](const LeaveProfile& message) {
        x_clients.erase(message.task);
        if (message.confirm_to) x_self->send(*message.confirm_to, LeftProfile{});
        if (x_scheduler->remove(message.task, now(), message.usage, message.is_done)) pump();
      }),
      [this](const LeaseParked& message) {
        x_scheduler->lease_parked(message.target, message.waits_for_room);
        pump();
      },
      [this](const LeaseStillParked& message) {
        x_scheduler->still_parked(message.target, message.waits_for_room);
        pump();
      },
      [this](const LeaseRefused& message) { refused(message); },
      [this](const WatchTurn& message) { watch(message); },
      [this](const UnwatchTurn& message) {
        x_clients.erase(message.task);
        x_self->send(message.confirm_to, TurnUnwatched{});
      },
      [this](const RequeueTurn& message) {
        x_scheduler->requeue(message.task, message.queue_wait, now(), message.is_preempted);
        pump();
      },
      [this](const KeepTurn& message) {
        x_scheduler->keep_slot(message.task);
        pump();
      },
      [this](const RestoreTurns& message) { restore(message); },
      [this](const CapacityChanged& message) {
        x_scheduler->set_capacity(message.target, message.capacities);
        pump();
      },
      [this](const DeadlineTick& message) {
        if (message.generation != x_timer_generation) return;
        x_timer.reset();
        expire();
        pump();
      },
      [this](GetOccupancy) { return status(); },
      [this](const Reconfigure& message) {
        x_scheduler->reconfigure(message.settings);
        pump();
        return status();
      },
      [this](const FindPosition& message) {
        Positions found;
        if (const auto position = x_scheduler->position(message.task)) {
          found.positions.push_back(
              {message.task, *position, x_scheduler->estimated_wait_s(*position)});
        }
        return found;
      },
  };
}

ProfileActor::behavior_type profile_actor(ProfileActor::stateful_pointer<ProfileState> self,
                                          std::string profile, ProfileSettings settings,
                                          House house) {
  return self->state.make_behavior(std::move(profile), std::move(settings), std::move(house));
}

}  // namespace signalbox::actors
