#include "core/admission/session_queue.hpp"

#include "core/base/error.hpp"

namespace signalbox {

void SessionQueue::push(Priority priority, TargetIndex target, WaitQueue::Item item,
                        const std::string& session) {
  x_all.push(priority, target, item);
  Line& line = x_lines[target];
  const auto entry = line.sessions.try_emplace(session).first;
  Waiters& waiters = entry->second;
  const Place place{priority, item.sequence};
  const bool is_first = waiters.empty() || place < waiters.begin()->first;
  if (is_first) {
    if (!waiters.empty()) line.heads.erase(waiters.begin()->first);
    line.heads.emplace(place, &entry->first);
  }
  waiters.emplace(place, item.id);
}

void SessionQueue::erase(Priority priority, TargetIndex target, std::uint64_t sequence,
                         const std::string& session) {
  const bool was_there = x_all.erase(priority, target, sequence);
  SIGNALBOX_ASSERT(was_there);
  const auto line = x_lines.find(target);
  const auto entry = line->second.sessions.find(session);
  Waiters& waiters = entry->second;
  const Place place{priority, sequence};
  const bool was_first = waiters.begin()->first == place;
  waiters.erase(place);
  if (was_first) {
    line->second.heads.erase(place);
    if (!waiters.empty()) line->second.heads.emplace(waiters.begin()->first, &entry->first);
  }
  if (waiters.empty()) line->second.sessions.erase(entry);
  if (line->second.sessions.empty()) x_lines.erase(line);
}

const SessionQueue::Waiters* SessionQueue::find(TargetIndex target,
                                                const std::string& session) const {
  const auto line = x_lines.find(target);
  if (line == x_lines.end()) return nullptr;
  const auto entry = line->second.sessions.find(session);
  return entry == line->second.sessions.end() ? nullptr : &entry->second;
}

std::optional<WaitQueue::Item> SessionQueue::front(Priority priority, TargetIndex target,
                                                   const std::string& session) const {
  const Waiters* waiters = find(target, session);
  if (waiters == nullptr) return std::nullopt;
  const auto first = waiters->lower_bound({priority, 0});
  if (first == waiters->end() || first->first.first != priority) return std::nullopt;
  return WaitQueue::Item{first->first.second, first->second};
}

bool SessionQueue::has(TargetIndex target, const std::string& session) const {
  return find(target, session) != nullptr;
}

std::size_t SessionQueue::session_count(TargetIndex target) const {
  const auto line = x_lines.find(target);
  return line == x_lines.end() ? 0 : line->second.sessions.size();
}

std::vector<SessionQueue::Head> SessionQueue::heads(TargetIndex target, std::size_t max) const {
  std::vector<Head> found;
  const auto line = x_lines.find(target);
  if (line == x_lines.end()) return found;
  for (const auto& [place, session] : line->second.heads) {
    if (found.size() == max) break;
    found.push_back({place, *session, line->second.sessions.at(*session).begin()->second});
  }
  return found;
}

}  // namespace signalbox
