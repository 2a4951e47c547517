#include "core/policies/fair_policy.hpp"

#include <algorithm>
#include <tuple>

#include "core/base/error.hpp"
#include "core/policies/least_rank.hpp"

namespace signalbox {
namespace {

VirtualTokens expected_cost(const WaiterView& waiter) {
  return virtual_cost(token_cost(waiter.declared.tokens_in, waiter.predicted_out),
                      waiter.owner_weight);
}

}  // namespace

FairPolicy::Account& FairPolicy::account(Priority priority, OwnerIndex owner) {
  auto& accounts = x_classes[to_index(priority)].accounts;
  SIGNALBOX_ASSERT(owner < accounts.size());
  return accounts[owner];
}

VirtualTokens FairPolicy::counter(Priority priority, OwnerIndex owner) const {
  const auto& accounts = x_classes[to_index(priority)].accounts;
  return owner < accounts.size() ? accounts[owner].counter() : 0;
}

std::size_t FairPolicy::pick(std::span<const QueueHead> heads, Instant /*now*/) const {
  const auto rank = [&](const QueueHead& head) {
    return std::tuple{head.priority, counter(head.priority, head.waiter->owner), head.sequence};
  };
  return least_rank(heads, rank);
}

void FairPolicy::enter(const Lane& lane, const WaiterView& waiter) {
  Class& group = x_classes[to_index(lane.priority)];
  if (group.accounts.size() <= waiter.owner) group.accounts.resize(waiter.owner + 1);
  Account& mine = group.accounts[waiter.owner];
  if (mine.lines.empty()) {
    const VirtualTokens least =
        group.active.empty() ? group.last_to_leave : group.active.begin()->first;
    mine.cost = std::max(mine.cost, least);
    group.active.emplace(mine.cost, waiter.owner);
  }
  Line& line = mine.lines[lane];
  auto& places = x_lanes[lane];
  if (!line.empty()) places.erase({mine.counter(), line.begin()->first});
  line.emplace(waiter.sequence, &waiter);
  places.emplace(Place{mine.counter(), line.begin()->first}, line.begin()->second);
}

void FairPolicy::leave(const Lane& lane, const WaiterView& waiter) {
  Class& group = x_classes[to_index(lane.priority)];
  Account& mine = account(lane.priority, waiter.owner);
  const auto line = mine.lines.find(lane);
  SIGNALBOX_ASSERT(line != mine.lines.end());
  const auto places = x_lanes.find(lane);
  places->second.erase({mine.counter(), line->second.begin()->first});
  line->second.erase(waiter.sequence);
  if (!line->second.empty()) {
    const auto& [sequence, first] = *line->second.begin();
    places->second.emplace(Place{mine.counter(), sequence}, first);
    return;
  }
  mine.lines.erase(line);
  if (places->second.empty()) x_lanes.erase(places);
  if (!mine.lines.empty()) return;
  group.active.erase({mine.cost, waiter.owner});
  group.last_to_leave = mine.cost;
}

const WaiterView* FairPolicy::first(const Lane& lane) const {
  const auto places = x_lanes.find(lane);
  return places == x_lanes.end() ? nullptr : places->second.begin()->second;
}

void FairPolicy::charge(const WaiterView& waiter, VirtualTokens cost, VirtualTokens expected) {
  Class& group = x_classes[to_index(waiter.priority)];
  Account& mine = account(waiter.priority, waiter.owner);
  const Account before{mine.cost, mine.expected, {}};
  mine.cost += cost;
  mine.expected += expected;
  if (mine.lines.empty()) return;
  group.active.erase({before.cost, waiter.owner});
  group.active.emplace(mine.cost, waiter.owner);
  for (const auto& [lane, line] : mine.lines) {
    auto& places = x_lanes.at(lane);
    const auto& [sequence, first] = *line.begin();
    places.erase({before.counter(), sequence});
    places.emplace(Place{mine.counter(), sequence}, first);
  }
}

void FairPolicy::granted(std::span<const QueueHead> heads, std::size_t chosen) {
  const WaiterView& waiter = *heads[chosen].waiter;
  charge(waiter, 0, expected_cost(waiter));
}

void FairPolicy::ended(const WaiterView& waiter, const TokenUsage& usage) {
  const std::int64_t cost = token_cost(usage.in.value_or(waiter.declared.tokens_in),
                                       usage.out.value_or(waiter.predicted_out));
  charge(waiter, virtual_cost(cost, waiter.owner_weight), -expected_cost(waiter));
}

void FairPolicy::forget(OwnerIndex owner) {
  for (Class& group : x_classes) {
    if (owner >= group.accounts.size()) continue;
    SIGNALBOX_ASSERT(group.accounts[owner].lines.empty());
    group.accounts[owner] = {};
  }
}

}  // namespace signalbox
