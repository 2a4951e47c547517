// Which backend a request gets, and what a lease that comes back says about its own. Lines and
// registrations are in directory.cpp.
#include <algorithm>

#include "core/backends/directory.hpp"

namespace signalbox {

std::vector<BackendCandidate> DirectoryBook::candidates(const LeaseRequest& request,
                                                        LlmStatus status, bool avoided) const {
  std::vector<BackendCandidate> found;
  for (std::size_t index = 0; index < x_llms.size(); ++index) {
    const Llm& llm = x_llms[index];
    if (llm.status != status || !llm.is_open || llm.pool_key() != request.target) continue;
    const bool is_avoided =
        std::find(request.avoid.begin(), request.avoid.end(), llm.name) != request.avoid.end();
    if (is_avoided != avoided) continue;
    const Group& group = x_groups.at(llm.group);
    // Others' calls are not counted, only told of.
    const std::uint32_t running = llm.is_full ? group.capacity : group.running;
    found.push_back({index, running, group.capacity, llm.name});
  }
  return found;
}

const CircuitBreaker* DirectoryBook::find_breaker(const Llm& llm) const {
  if (x_breakers.empty()) return nullptr;
  const auto place = x_breakers.find({llm.executor, llm.name});
  return place == x_breakers.end() ? nullptr : &place->second;
}

std::vector<BackendCandidate> DirectoryBook::without_broken(
    std::vector<BackendCandidate> candidates) const {
  if (x_breakers.empty()) return candidates;
  const auto breaker_of = [&](const BackendCandidate& each) {
    return find_breaker(x_llms[each.llm_index]);
  };
  const bool has_closed =
      std::any_of(candidates.begin(), candidates.end(), [&](const BackendCandidate& each) {
        const CircuitBreaker* breaker = breaker_of(each);
        return breaker == nullptr || breaker->state(x_now) == BreakerState::closed;
      });
  if (!has_closed) return candidates;
  std::erase_if(candidates, [&](const BackendCandidate& each) {
    const CircuitBreaker* breaker = breaker_of(each);
    return breaker != nullptr && !breaker->admits(x_now);
  });
  return candidates;
}

Lease DirectoryBook::lease_on(const Llm& llm) {
  Group& group = x_groups.at(llm.group);
  ++group.running;
  group.leased_at = x_now;
  const std::string& holder = llm.session.empty() ? llm.name : llm.session;
  Lease lease{llm.executor, llm.name, holder, llm.model, llm.group, x_next_lease++};
  // Where nothing fails there are none, and no key is made.
  if (x_breakers.empty()) return lease;
  const auto breaker = x_breakers.find({llm.executor, llm.name});
  if (breaker != x_breakers.end()) breaker->second.sent(lease.number, x_now);
  return lease;
}

std::optional<Lease> DirectoryBook::lease_among(const std::vector<BackendCandidate>& candidates,
                                                const LeaseRequest& request) {
  if (candidates.empty()) return std::nullopt;
  BackendChoice& choice = x_choices.of(request.target);
  if (!choice.heeds_sessions()) {
    const auto chosen = choice.choose(candidates, {});
    if (!chosen) return std::nullopt;
    return lease_on(x_llms[candidates[*chosen].llm_index]);
  }
  return lease_for_session(candidates, request);
}

std::optional<Lease> DirectoryBook::lease_for_session(
    const std::vector<BackendCandidate>& candidates, const LeaseRequest& request) {
  const auto lease_of = [&](std::size_t chosen, const std::string& session) {
    Lease lease = lease_on(x_llms[candidates[chosen].llm_index]);
    lease.session = session;
    return lease;
  };
  static const std::vector<SessionWait> no_session{{}};
  BackendChoice& choice = x_choices.of(request.target);
  for (const auto& [session, since] : request.sessions.empty() ? no_session : request.sessions) {
    if (const auto chosen = choice.choose(candidates, session)) return lease_of(*chosen, session);
  }
  // Whatever has room was declined. Who has waited long enough goes there, and stays at home.
  const auto other = choose_least_loaded(candidates);
  if (!other) return std::nullopt;
  const Instant room_since = x_room_since.try_emplace(request.target, x_now).first->second;
  if (room_since + overflow_after > x_now) return std::nullopt;
  for (const SessionWait& wait : request.sessions) {
    if (overflow_at(request.target, room_since, wait) <= x_now)
      return lease_of(*other, wait.session);
  }
  return std::nullopt;
}

Instant DirectoryBook::overflow_at(const std::string& target, Instant room_since,
                                   const SessionWait& wait) const {
  const std::string_view home = x_choices.home_of(target, wait.session);
  const auto llm = std::find_if(x_llms.begin(), x_llms.end(),
                                [&](const Llm& each) { return each.name == home; });
  const Instant leased_at = llm == x_llms.end() ? Instant{} : x_groups.at(llm->group).leased_at;
  return std::max({room_since, wait.since, leased_at}) + overflow_after;
}

bool DirectoryBook::is_available(const Llm& llm, const std::string& target) {
  return llm.status == LlmStatus::active && llm.is_open && llm.pool_key() == target;
}

bool DirectoryBook::has_room(const std::string& target) const {
  return std::any_of(x_llms.begin(), x_llms.end(), [&](const Llm& llm) {
    if (!is_available(llm, target)) return false;
    const Group& group = x_groups.at(llm.group);
    return !llm.is_full && group.running < group.capacity;
  });
}

bool DirectoryBook::lacks_room(const std::string& target) const {
  return !has_room(target) && std::any_of(x_llms.begin(), x_llms.end(), [&](const Llm& llm) {
    return is_available(llm, target);
  });
}

void DirectoryBook::forget_room() {
  std::erase_if(x_room_since, [&](const auto& entry) { return !has_room(entry.first); });
}

std::optional<Lease> DirectoryBook::try_lease(const LeaseRequest& request) {
  // The one that just failed is next only if no other is there at all, and one that is not there
  // only if not even that is: a busy one is worth the wait.
  for (const bool avoided : {false, true}) {
    auto awake = candidates(request, LlmStatus::active, avoided);
    if (!awake.empty()) return lease_among(without_broken(std::move(awake)), request);
    if (request.only_others) return std::nullopt;
  }
  if (!request.accept_inactive) return std::nullopt;
  for (const bool avoided : {false, true}) {
    auto away = candidates(request, LlmStatus::inactive, avoided);
    if (auto lease = lease_among(without_broken(std::move(away)), request)) return lease;
  }
  return std::nullopt;
}

bool DirectoryBook::release(const Lease& lease, LeaseOutcome outcome) {
  const auto place = x_groups.find(lease.group);
  SIGNALBOX_ASSERT(place != x_groups.end() && place->second.running > 0);
  --place->second.running;
  if (place->second.running == 0 && x_orphaned_groups.erase(lease.group) > 0) x_groups.erase(place);
  note_outcome(lease, outcome);
  const auto llm = std::find_if(x_llms.begin(), x_llms.end(),
                                [&](const Llm& each) { return each.name == lease.llm; });
  return llm != x_llms.end() && !llm->is_present();
}

void DirectoryBook::note_outcome(const Lease& lease, LeaseOutcome outcome) {
  if (x_breakers.empty() && outcome != LeaseOutcome::failed) return;
  const BreakerKey key{lease.executor, lease.llm};
  auto place = x_breakers.find(key);
  if (place == x_breakers.end()) {
    const bool is_there = std::any_of(x_llms.begin(), x_llms.end(), [&](const Llm& llm) {
      return llm.executor == lease.executor && llm.name == lease.llm;
    });
    if (outcome != LeaseOutcome::failed || !is_there) return;
    place = x_breakers.emplace(key, CircuitBreaker{x_next_lease - 1, x_breaker_rules}).first;
  }
  CircuitBreaker& breaker = place->second;
  switch (outcome) {
    case LeaseOutcome::untold:
      breaker.dropped(lease.number);
      break;
    case LeaseOutcome::succeeded:
      breaker.succeeded(lease.number);
      break;
    case LeaseOutcome::failed:
      breaker.failed(lease.number, x_now);
      break;
  }
  if (breaker.is_idle()) x_breakers.erase(place);
}

std::optional<Instant> DirectoryBook::next_serve_at() const {
  const auto probe_at = next_probe_at();
  const auto overflow_at = next_overflow_at();
  if (!probe_at || !overflow_at) return probe_at ? probe_at : overflow_at;
  return std::min(*probe_at, *overflow_at);
}

std::optional<Instant> DirectoryBook::next_overflow_at() const {
  std::optional<Instant> next;
  for (const auto& [target, room_since] : x_room_since) {
    const auto line = x_lines.find(target);
    if (line == x_lines.end()) continue;
    for (const auto& [key, request] : line->second) {
      for (const SessionWait& wait : request.sessions) {
        const Instant at = overflow_at(target, room_since, wait);
        if (at > x_now && (!next || at < *next)) next = at;
      }
    }
  }
  return next;
}

std::optional<Instant> DirectoryBook::next_probe_at() const {
  std::optional<Instant> next;
  for (const auto& [key, breaker] : x_breakers) {
    const auto at = breaker.half_open_at(x_now);
    if (!at || (next && *next <= *at)) continue;
    const bool is_wanted =
        std::any_of(x_llms.begin(), x_llms.end(), [&, &wanted = key](const Llm& llm) {
          return BreakerKey{llm.executor, llm.name} == wanted && x_lines.contains(llm.pool_key());
        });
    if (is_wanted) next = at;
  }
  return next;
}

std::vector<PoolView> DirectoryBook::pools() const {
  std::map<std::string, PoolView> found;
  for (const auto& [pool, kind] : x_choices.all_set()) found[pool];
  for (const Llm& llm : x_llms) {
    const bool is_set = x_choices.all_set().contains(llm.pool_key());
    if (!llm.pool.empty() || is_set) found[llm.pool_key()].llms.push_back(llm.name);
  }
  std::vector<PoolView> views;
  for (auto& [pool, view] : found) {
    view.name = pool;
    view.choice = x_choices.kind_of(pool);
    view.sessions = x_choices.sessions_of(pool);
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace signalbox
