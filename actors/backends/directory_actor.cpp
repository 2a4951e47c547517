#include "actors/backends/directory_actor.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/messages/sent.hpp"

namespace signalbox::actors {

void DirectoryState::subscribe(const std::string& target, const ProfileActor& profile) {
  auto& subscription = x_subscriptions[target];
  auto& profiles = subscription.profiles;
  if (std::find(profiles.begin(), profiles.end(), profile) != profiles.end()) return;
  profiles.push_back(profile);
  subscription.told = x_book.capacities(target);
  // Before the answer to its first request, so that it knows its slots when it grants.
  x_self->send(profile, CapacityChanged{target, subscription.told});
}

void DirectoryState::pass_time() {
  x_book.pass_time(x_self->clock().now());
}

// A timer cannot be taken back, so one that comes too early looks and is set anew.
void DirectoryState::set_line_timer() {
  const auto at = x_book.next_serve_at();
  if (!at || (x_line_at && *x_line_at <= *at)) return;
  x_line_at = at;
  const Duration delay = std::max(*at - x_self->clock().now(), Duration::zero());
  x_self->delayed_send(x_self, delay, LineTick{++x_line_generation});
}

void DirectoryState::set_choices(const SetChoices& message) {
  if (message.default_choice) x_book.set_default_choice(*message.default_choice);
  for (const auto& [pool, choice] : message.pools) x_book.set_choice(pool, choice);
  serve_line();
}

void DirectoryState::acquire(const AcquireLease& message) {
  pass_time();
  const LeaseRequest& request = message.request;
  if (message.subscriber) subscribe(request.target, *message.subscriber);
  if (request.only_others && !x_book.has_other(request)) {
    x_self->send(message.client, LeaseRefused{request.target, {}});
    return;
  }
  if (auto lease = x_book.acquire(request)) {
    const ExecutorActor executor = x_executors.at(lease->executor);
    if (!x_clients.empty()) x_clients.erase({request.requester, request.target});
    x_self->send(message.client, LeaseGranted{request.target, std::move(*lease), executor});
    return;
  }
  x_clients[{request.requester, request.target}] = message.client;
  x_self->send(message.client, LeaseParked{request.target, x_book.lacks_room(request.target)});
  send_wakes();
  set_line_timer();
}

void DirectoryState::serve_line() {
  pass_time();
  for (LeaseGrant& grant : x_book.serve_line()) {
    const ExecutorActor executor = x_executors.at(grant.lease.executor);
    const auto client = x_clients.find({grant.requester, grant.target});
    x_self->send(client->second, LeaseGranted{grant.target, std::move(grant.lease), executor});
    x_clients.erase(client);
  }
  for (const LeaseRefusal& refusal : x_book.take_hopeless()) {
    const auto client = x_clients.find({refusal.requester, refusal.target});
    x_self->send(client->second, LeaseRefused{refusal.target, {}});
    x_clients.erase(client);
  }
  for (const LineNews& news : x_book.take_news()) {
    x_self->send(x_clients.at({news.requester, news.target}),
                 LeaseStillParked{news.target, news.waits_for_room});
  }
  send_wakes();
  set_line_timer();
}

void DirectoryState::send_wakes() {
  for (WakeOrder& order : x_book.wakes()) {
    x_self->send(x_executors.at(order.executor), WakeLlm{std::move(order.llm)});
  }
}

void DirectoryState::wake_failed(const WakeFailed& message) {
  for (LeaseRefusal& refusal : x_book.wake_failed(message.llm)) {
    x_self->send(x_clients.at({refusal.requester, refusal.target}),
                 LeaseRefused{refusal.target, message.error});
  }
}

void DirectoryState::publish() {
  x_self->send(x_broker, RoutingChanged{std::make_shared<const RoutingTable>(x_book.table())});
  tell_capacities();
}

void DirectoryState::tell_capacities() {
  for (auto& [target, subscription] : x_subscriptions) {
    auto capacities = x_book.capacities(target);
    if (capacities == subscription.told) continue;
    subscription.told = std::move(capacities);
    for (const ProfileActor& profile : subscription.profiles) {
      x_self->send(profile, CapacityChanged{target, subscription.told});
    }
  }
}

void DirectoryState::put(const PutLlms& message) {
  x_executors[message.id] = message.executor;
  x_book.put_llms(message.id, message.llms);
  publish();
  serve_line();
}

LlmsClaimed DirectoryState::claim(const ClaimLlms& message) {
  ClaimOutcome outcome = x_book.claim_llms(message.id, message.llms, message.is_atomic);
  LlmsClaimed claimed{std::move(outcome.refused)};
  if (message.is_atomic && !claimed.refused.empty()) return claimed;
  for (auto& [executor, llm] : outcome.taken) {
    x_self->send(x_executors.at(executor), LlmTaken{std::move(llm)});
  }
  x_executors[message.id] = message.executor;
  publish();
  serve_line();
  return claimed;
}

DirectoryActor::behavior_type DirectoryState::make_behavior(std::shared_ptr<WallClock> wall,
                                                            BrokerActor broker,
                                                            BreakerRules breaker) {
  x_book.set_breaker_rules(breaker);
  x_wall = std::move(wall);
  x_broker = std::move(broker);
  return {
      sent([this](const AcquireLease& message) { acquire(message); }),
      sent([this](const ReleaseLease& message) {
        pass_time();
        if (x_book.release(message.lease, message.outcome)) tell_capacities();
        serve_line();
      }),
      [this](const WithdrawLease& message) {
        x_book.withdraw(message.requester, message.target);
        x_clients.erase({message.requester, message.target});
        if (message.confirm_to) x_self->send(*message.confirm_to, LeaseWithdrawn{});
      },
      [this](const PutLlms& message) { put(message); },
      [this](const SetBackendStatus& message) {
        if (!x_book.set_status(message.id, message.status, x_wall->now())) return;
        publish();
        serve_line();
      },
      [this](const ClaimLlms& message) { return claim(message); },
      [this](const RemoveExecutor& message) {
        x_book.remove_executor(message.id);
        x_executors.erase(message.id);
        publish();
        serve_line();
      },
      [this](const WakeFailed& message) { wake_failed(message); },
      [this](const SetChoices& message) { set_choices(message); },
      [this](const LineTick& message) {
        if (message.generation != x_line_generation) return;
        x_line_at.reset();
        serve_line();
      },
      [this](ListLlms) {
        pass_time();
        return LlmList{std::make_shared<const RoutingTable>(x_book.table())};
      },
      [this](ListPools) { return PoolList{x_book.pools()}; },
  };
}

DirectoryActor::behavior_type directory_actor(DirectoryActor::stateful_pointer<DirectoryState> self,
                                              std::shared_ptr<WallClock> wall, BrokerActor broker,
                                              BreakerRules breaker) {
  return self->state.make_behavior(std::move(wall), std::move(broker), breaker);
}

}  // namespace signalbox::actors
