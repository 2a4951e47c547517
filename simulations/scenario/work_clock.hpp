// How calls that run side by side on one server hold each other up: all of them advance at the same
// speed, which falls with their number, as in a server that batches them. Pure; whole numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "core/base/time.hpp"

namespace signalbox::sim {

/// How much longer a call takes beside others. Unit: 1/1,000 of the time it takes alone.
struct Slowdown {
  /// For every other call. Range: 0..100,000.
  std::uint32_t per_call = 0;
  /// For every call beyond `knee`, more than that: the server's memory is full. Range: 0..100,000.
  std::uint32_t per_call_beyond = 0;
  std::uint32_t knee = 0;

  [[nodiscard]] bool is_none() const { return per_call == 0 && per_call_beyond == 0; }
  /// @returns how long a call takes beside `calls` - 1 others, of 1,000 alone. @pre calls > 0.
  [[nodiscard]] std::int64_t stretch(std::size_t calls) const;

  friend bool operator==(const Slowdown&, const Slowdown&) = default;
};

/// The calls of one server. Since all advance alike, one clock of work done per call is enough: a
/// call ends when it shows what it showed at its start plus the call's own work.
template <class Key>
class WorkClock {
 public:
  explicit WorkClock(Slowdown slowdown) : x_slowdown{slowdown} {}

  /// @param work how long the call takes alone.
  void start(const Key& key, Duration work, Instant now) {
    advance(now);
    const auto place = x_by_end.emplace(x_work + work, key);
    x_places.emplace(key, place);
  }
  /// @returns false when it was not there.
  bool stop(const Key& key, Instant now) {
    const auto found = x_places.find(key);
    if (found == x_places.end()) return false;
    advance(now);
    x_by_end.erase(found->second);
    x_places.erase(found);
    return true;
  }
  /// @returns a call whose work is done by now, which it forgets; of several the one that was to
  /// end first, then the one that began first.
  std::optional<Key> take_done(Instant now) {
    advance(now);
    if (x_by_end.empty() || x_by_end.begin()->first > x_work) return std::nullopt;
    Key key = x_by_end.begin()->second;
    x_places.erase(key);
    x_by_end.erase(x_by_end.begin());
    return key;
  }
  /// @returns when the next call will be done if nobody comes or goes.
  [[nodiscard]] std::optional<Instant> next_end() const {
    if (x_by_end.empty()) return std::nullopt;
    const Wide left = (x_by_end.begin()->first - x_work).count();
    const Wide wait = (left * x_slowdown.stretch(x_by_end.size()) + 999) / 1000;
    return x_now + Duration{static_cast<std::int64_t>(std::min<Wide>(wait, longest.count()))};
  }

  [[nodiscard]] std::size_t size() const { return x_by_end.size(); }

 private:
  using ByEnd = std::multimap<Duration, Key>;
  __extension__ using Wide = __int128;
  /// Nobody waits longer: by then every call is over its budget.
  static constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 366};

  void advance(Instant now) {
    const Duration passed = now - x_now;
    x_now = now;
    if (x_by_end.empty()) return;
    const Wide work = Wide{passed.count()} * 1000 / x_slowdown.stretch(x_by_end.size());
    x_work += Duration{static_cast<std::int64_t>(work)};
  }

  Slowdown x_slowdown;
  /// Per call, since the start.
  Duration x_work{};
  Instant x_now{};
  ByEnd x_by_end;
  std::map<Key, typename ByEnd::iterator> x_places;
};

}  // namespace signalbox::sim
