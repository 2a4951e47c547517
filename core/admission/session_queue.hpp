// Those of a profile's waiters that have a session key. A lease may be for the calls of one session
// only, so the first of each session is found without a look at the others.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/policies/wait_queue.hpp"

namespace signalbox {

class SessionQueue {
 public:
  /// Better class first, then by arrival.
  using Place = std::pair<Priority, std::uint64_t>;
  /// A session that somebody waits for, and its first.
  struct Head {
    Place place;
    std::string session;
    TaskId first;
  };

  /// Complexity: O(log n).
  void push(Priority priority, TargetIndex target, WaitQueue::Item item,
            const std::string& session);
  /// @pre it is there. Complexity: O(log n).
  void erase(Priority priority, TargetIndex target, std::uint64_t sequence,
             const std::string& session);

  /// @returns the first of that class, target and session, or nothing.
  [[nodiscard]] std::optional<WaitQueue::Item> front(Priority priority, TargetIndex target,
                                                     const std::string& session) const;
  [[nodiscard]] bool has(TargetIndex target, const std::string& session) const;
  /// @returns the first `max` sessions of that target, each once, in order of their first waiters.
  [[nodiscard]] std::vector<Head> heads(TargetIndex target, std::size_t max) const;

  [[nodiscard]] std::size_t session_count(TargetIndex target) const;

  /// All of them, whatever their session.
  [[nodiscard]] const WaitQueue& all() const { return x_all; }

 private:
  using Waiters = std::map<Place, TaskId>;
  struct Line {
    std::map<std::string, Waiters> sessions;
    /// The first waiter of each session, with its key in `sessions`.
    std::map<Place, const std::string*> heads;
  };
  [[nodiscard]] const Waiters* find(TargetIndex target, const std::string& session) const;

  WaitQueue x_all;
  /// Only of targets that somebody with a session waits for.
  std::map<TargetIndex, Line> x_lines;
};

}  // namespace signalbox
