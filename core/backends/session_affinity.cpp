#include "core/backends/session_affinity.hpp"

#include <algorithm>

namespace signalbox {

std::optional<std::size_t> SessionAffinity::choose(std::span<const BackendCandidate> candidates,
                                                   std::string_view session) {
  if (session.empty()) return choose_least_loaded(candidates);
  const auto place = x_sessions.find(session);
  if (place != x_sessions.end()) {
    const auto kept = std::find_if(candidates.begin(), candidates.end(), [&](const auto& each) {
      return each.name == place->second.backend;
    });
    if (kept != candidates.end()) {
      if (!kept->has_room()) return std::nullopt;
      remember(place, kept->name);
      return static_cast<std::size_t>(kept - candidates.begin());
    }
  }
  const auto chosen = choose_for_new(candidates);
  if (!chosen) return std::nullopt;
  if (place != x_sessions.end()) {
    remember(place, candidates[*chosen].name);
    return chosen;
  }
  if (x_sessions.size() >= x_sessions_max) forget_oldest();
  remember(x_sessions.try_emplace(std::string{session}).first, candidates[*chosen].name);
  return chosen;
}

std::string_view SessionAffinity::home_of(std::string_view session) const {
  const auto place = x_sessions.find(session);
  return place == x_sessions.end() ? std::string_view{} : place->second.backend;
}

std::optional<std::size_t> SessionAffinity::choose_for_new(
    std::span<const BackendCandidate> candidates) const {
  std::optional<std::size_t> best;
  for (std::size_t index = 0; index < candidates.size(); ++index) {
    const BackendCandidate& mine = candidates[index];
    if (!mine.has_room()) continue;
    if (best) {
      const BackendCandidate& leader = candidates[*best];
      const int order = compare_load(mine, leader);
      if (order > 0 || (order == 0 && sessions_of(mine.name) >= sessions_of(leader.name))) continue;
    }
    best = index;
  }
  return best;
}

std::size_t SessionAffinity::sessions_of(std::string_view backend) const {
  const auto place = x_counts.find(backend);
  return place == x_counts.end() ? 0 : place->second;
}

void SessionAffinity::remember(Sessions::iterator place, std::string_view backend) {
  auto& [session, kept] = *place;
  x_by_use.erase(kept.last_use);
  kept.last_use = x_next_use++;
  x_by_use.emplace(kept.last_use, session);
  if (kept.backend == backend) return;
  if (!kept.backend.empty()) leave(kept.backend);
  kept.backend = backend;
  ++x_counts[kept.backend];
}

void SessionAffinity::leave(const std::string& backend) {
  const auto place = x_counts.find(backend);
  if (--place->second == 0) x_counts.erase(place);
}

void SessionAffinity::forget_oldest() {
  const auto oldest = x_by_use.begin();
  const auto place = x_sessions.find(oldest->second);
  leave(place->second.backend);
  x_sessions.erase(place);
  x_by_use.erase(oldest);
}

}  // namespace signalbox
