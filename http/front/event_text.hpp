// The events of GET /api/v1/events as text (docs/protocol.md, "Live events"). Pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "actors/messages/messages.hpp"

namespace signalbox::http {

/// Which parts of a state a listener may see.
struct EventScope {
  std::string owner;
  bool profiles = false;
  bool llms = false;
  /// Other owners' too.
  bool all_workers = false;

  friend bool operator<(const EventScope& left, const EventScope& right) {
    return std::tie(left.owner, left.profiles, left.llms, left.all_workers) <
           std::tie(right.owner, right.profiles, right.llms, right.all_workers);
  }
};

struct HouseState {
  std::vector<actors::ProfileStatus> profiles;
  std::shared_ptr<const RoutingTable> table;
  std::vector<actors::SessionStatus> workers;
  TaskCounts tasks{};
  double uptime_s = 0;
  std::string version;
};

/// @returns one `event: call` for each row.
std::string call_events(const std::map<IdBytes, std::shared_ptr<const CallRow>>& rows);

/// @returns `event: state`; parts that are not in the scope are empty lists.
std::string state_event(const HouseState& state, const EventScope& scope);

}  // namespace signalbox::http
