#include "core/backends/directory.hpp"

#include <algorithm>

namespace signalbox {

const Llm* DirectoryBook::find_of_other(const std::string& name, ExecutorId executor) const {
  const auto place = std::find_if(x_llms.begin(), x_llms.end(), [&](const Llm& llm) {
    return llm.name == name && llm.executor != executor;
  });
  return place == x_llms.end() ? nullptr : &*place;
}

void DirectoryBook::drop_unused() {
  std::set<std::string_view> used;
  std::set<std::string_view> pools;
  for (const Llm& llm : x_llms) {
    used.insert(llm.group);
    pools.insert(llm.pool_key());
  }
  x_choices.keep_only([&](const std::string& pool) { return pools.contains(pool); });
  std::erase_if(x_groups, [&](const auto& entry) {
    const auto& [group, state] = entry;
    if (used.contains(group)) return false;
    if (state.running > 0) x_orphaned_groups.insert(group);
    return state.running == 0;
  });
  std::erase_if(x_waking, [&](const std::string& name) {
    return std::none_of(x_llms.begin(), x_llms.end(), [&](const Llm& llm) {
      return llm.name == name && llm.is_present() && llm.status == LlmStatus::hibernating;
    });
  });
  std::erase_if(x_breakers, [&](const auto& entry) {
    const BreakerKey& key = entry.first;
    return std::none_of(x_llms.begin(), x_llms.end(), [&](const Llm& llm) {
      return BreakerKey{llm.executor, llm.name} == key;
    });
  });
}

std::vector<std::string> DirectoryBook::put_llms(ExecutorId executor, std::vector<Llm> llms) {
  std::vector<std::string> refused;
  for (Llm& llm : llms) {
    if (!llm.qualified_name.empty() && find_of_other(llm.name, executor) != nullptr) {
      llm.name = llm.qualified_name;
    }
  }
  std::erase_if(x_llms, [&](const Llm& old) {
    return old.executor == executor && std::none_of(llms.begin(), llms.end(), [&](const Llm& llm) {
             return llm.name == old.name;
           });
  });
  for (Llm& llm : llms) {
    llm.executor = executor;
    const auto place = std::find_if(x_llms.begin(), x_llms.end(),
                                    [&](const Llm& old) { return old.name == llm.name; });
    if (place != x_llms.end() && place->executor != executor) {
      refused.push_back(llm.name);
      continue;
    }
    x_groups[llm.group].capacity = std::max<std::uint32_t>(llm.capacity, 1);
    x_orphaned_groups.erase(llm.group);
    const bool was_present = place != x_llms.end() && place->is_present();
    if (llm.is_present() && !was_present) hope_again(llm.pool_key());
    if (place == x_llms.end()) {
      x_llms.push_back(std::move(llm));
    } else {
      *place = std::move(llm);
    }
  }
  drop_unused();
  return refused;
}

ClaimOutcome DirectoryBook::claim_llms(ExecutorId executor, std::vector<Llm> llms, bool is_atomic) {
  ClaimOutcome outcome;
  std::erase_if(llms, [&](const Llm& llm) {
    const Llm* other = find_of_other(llm.name, executor);
    const bool is_free = other == nullptr ||
                         (other->kind == LlmKind::worker && other->status == LlmStatus::inactive);
    if (!is_free) outcome.refused.push_back(llm.name);
    return !is_free;
  });
  if (is_atomic && !outcome.refused.empty()) return outcome;
  std::erase_if(x_llms, [&](const Llm& old) {
    const bool is_taken =
        old.executor != executor &&
        std::any_of(llms.begin(), llms.end(), [&](const Llm& llm) { return llm.name == old.name; });
    if (is_taken) outcome.taken.emplace_back(old.executor, old.name);
    return is_taken;
  });
  put_llms(executor, std::move(llms));
  return outcome;
}

void DirectoryBook::remove_executor(ExecutorId executor) {
  std::erase_if(x_llms, [&](const Llm& llm) { return llm.executor == executor; });
  drop_unused();
}

bool DirectoryBook::set_status(ExecutorId executor, LlmStatus status, WallTime at) {
  bool has_changed = false;
  for (Llm& llm : x_llms) {
    if (llm.executor != executor || llm.status == status) continue;
    llm.status = status;
    llm.inactive_since = status == LlmStatus::inactive ? at : WallTime{};
    has_changed = true;
  }
  return has_changed;
}

bool DirectoryBook::has_other(const LeaseRequest& request) const {
  return std::any_of(x_llms.begin(), x_llms.end(), [&](const Llm& llm) {
    return llm.is_present() && llm.pool_key() == request.target &&
           std::find(request.avoid.begin(), request.avoid.end(), llm.name) == request.avoid.end();
  });
}

std::optional<Lease> DirectoryBook::acquire(LeaseRequest request) {
  // Who asks again, with another class, keeps its place in time.
  std::uint64_t arrival = leave_line(request.requester, request.target);
  auto lease = try_lease(request);
  forget_room();
  if (lease) return lease;
  if (arrival == 0) arrival = x_next_arrival++;
  auto& line = x_lines[request.target];
  request.waits_for_room = lacks_room(request.target);
  line.emplace(LineKey{request.priority, arrival}, std::move(request));
  return std::nullopt;
}

void DirectoryBook::withdraw(const RequesterId& requester, const std::string& target) {
  leave_line(requester, target);
}

std::uint64_t DirectoryBook::leave_line(const RequesterId& requester, const std::string& target) {
  const auto line = x_lines.find(target);
  if (line == x_lines.end()) return 0;
  const auto place = std::find_if(line->second.begin(), line->second.end(), [&](const auto& entry) {
    return entry.second.requester == requester;
  });
  if (place == line->second.end()) return 0;
  const std::uint64_t arrival = place->first.second;
  line->second.erase(place);
  if (line->second.empty()) x_lines.erase(line);
  return arrival;
}

std::vector<LeaseGrant> DirectoryBook::serve_line() {
  // Over all targets at once, since several may share one group.
  std::map<LineKey, std::string> in_order;
  for (const auto& [target, line] : x_lines) {
    for (const auto& [key, request] : line) in_order.emplace(key, target);
  }
  std::vector<LeaseGrant> grants;
  for (const auto& [key, target] : in_order) {
    const auto line = x_lines.find(target);
    const auto entry = line->second.find(key);
    auto lease = try_lease(entry->second);
    if (!lease) continue;
    grants.push_back({entry->second.requester, target, std::move(*lease)});
    line->second.erase(entry);
    if (line->second.empty()) x_lines.erase(line);
  }
  forget_room();
  return grants;
}

std::vector<LeaseRefusal> DirectoryBook::take_hopeless() {
  std::vector<LeaseRefusal> refusals;
  for (auto line = x_lines.begin(); line != x_lines.end();) {
    std::erase_if(line->second, [&](const auto& entry) {
      const LeaseRequest& request = entry.second;
      if (!request.only_others || has_other(request)) return false;
      refusals.push_back({request.requester, request.target});
      return true;
    });
    line = line->second.empty() ? x_lines.erase(line) : std::next(line);
  }
  return refusals;
}

std::vector<LineNews> DirectoryBook::take_news() {
  std::vector<LineNews> news;
  for (auto& [target, line] : x_lines) {
    const bool waits_for_room = lacks_room(target);
    for (auto& [key, request] : line) {
      if (request.waits_for_room == waits_for_room) continue;
      request.waits_for_room = waits_for_room;
      news.push_back({request.requester, target, waits_for_room});
    }
  }
  return news;
}

void DirectoryBook::hope_again(const std::string& target) {
  const auto line = x_lines.find(target);
  if (line == x_lines.end()) return;
  for (auto& [key, request] : line->second) request.was_refused = false;
}

std::vector<WakeOrder> DirectoryBook::wakes() {
  std::vector<WakeOrder> orders;
  for (const auto& [target, line] : x_lines) {
    const bool is_wanted = std::any_of(line.begin(), line.end(),
                                       [](const auto& entry) { return !entry.second.was_refused; });
    if (!is_wanted) continue;
    const Llm* sleeper = nullptr;
    bool has_other = false;
    for (const Llm& llm : x_llms) {
      if (!llm.is_present() || llm.pool_key() != target) continue;
      const bool sleeps = llm.status == LlmStatus::hibernating;
      has_other = has_other || !sleeps || x_waking.contains(llm.name);
      if (sleeps && sleeper == nullptr) sleeper = &llm;
    }
    if (has_other || sleeper == nullptr) continue;
    x_waking.insert(sleeper->name);
    orders.push_back({sleeper->executor, sleeper->name});
  }
  return orders;
}

std::vector<LeaseRefusal> DirectoryBook::wake_failed(const std::string& llm) {
  x_waking.erase(llm);
  std::vector<LeaseRefusal> refusals;
  const auto sleeper =
      std::find_if(x_llms.begin(), x_llms.end(), [&](const Llm& each) { return each.name == llm; });
  if (sleeper == x_llms.end()) return refusals;
  const std::string target = sleeper->pool_key();
  const bool has_other = std::any_of(x_llms.begin(), x_llms.end(), [&](const Llm& each) {
    return each.pool_key() == target && each.is_present() && each.status == LlmStatus::active;
  });
  const auto line = x_lines.find(target);
  if (has_other || line == x_lines.end()) return refusals;
  for (auto& [key, request] : line->second) {
    request.was_refused = true;
    refusals.push_back({request.requester, target});
  }
  return refusals;
}

RoutingTable DirectoryBook::table() const {
  RoutingTable table{x_llms};
  for (Llm& llm : table.llms) {
    const Group& group = x_groups.at(llm.group);
    llm.capacity = group.capacity;
    llm.running = group.running;
    const CircuitBreaker* breaker = find_breaker(llm);
    llm.breaker = breaker == nullptr ? BreakerState::closed : breaker->state(x_now);
    llm.failures = breaker == nullptr ? 0 : breaker->failures();
  }
  return table;
}

CapacityList DirectoryBook::capacities(const std::string& target) const {
  std::map<std::string, std::uint32_t> groups;
  for (const Llm& llm : x_llms) {
    if (llm.pool_key() != target) continue;
    const Group& group = x_groups.at(llm.group);
    // What still runs on one that takes nothing new must not stand in its siblings' room.
    const std::uint32_t capacity = llm.is_present() ? group.capacity : group.running;
    if (capacity > 0) groups[llm.group] = capacity;
  }
  return {groups.begin(), groups.end()};
}

std::uint64_t DirectoryBook::running_total() const {
  std::uint64_t total = 0;
  for (const auto& [name, group] : x_groups) total += group.running;
  return total;
}

}  // namespace signalbox
