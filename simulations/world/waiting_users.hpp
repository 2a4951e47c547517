// Users of closed clients who wait for an answer, by the number of their call.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "actors/messages/call_messages.hpp"
#include "simulations/scenario/workload.hpp"

namespace signalbox::sim {

struct WaitingUser {
  /// Index in Scenario::clients.
  std::uint32_t client = 0;
  std::uint32_t user = 0;
};

class WaitingUsers {
 public:
  /// A call is made; nothing when no user waits for it.
  void called(actors::CallNumber call, const Arrival& arrival) {
    if (arrival.user) x_waiting.emplace(call, WaitingUser{arrival.client, *arrival.user});
  }
  /// The call is over. @returns who has waited for it.
  std::optional<WaitingUser> take(actors::CallNumber call) {
    const auto node = x_waiting.extract(call);
    if (node.empty()) return std::nullopt;
    return node.mapped();
  }
  /// In order.
  [[nodiscard]] std::vector<actors::CallNumber> calls() const {
    std::vector<actors::CallNumber> calls;
    for (const auto& [call, user] : x_waiting) calls.push_back(call);
    return calls;
  }

 private:
  std::map<actors::CallNumber, WaitingUser> x_waiting;
};

}  // namespace signalbox::sim
