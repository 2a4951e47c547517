// Clients who call again. A call that has failed is worth another one to its client until that has
// made all its tries; each try is a call of its own to the house, and to whoever watches.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "actors/messages/call_messages.hpp"
#include "simulations/scenario/workload.hpp"

namespace signalbox::sim {

/// A call that is to be made, and when.
struct DueRepeat {
  Duration at{};
  std::uint64_t number = 0;
};

class Retries {
 public:
  /// @param scenario must outlive it.
  explicit Retries(const Scenario& scenario) : x_scenario{&scenario} {}

  /// A call is made, for the first time or again.
  void made(actors::CallNumber call, const Arrival& arrival);
  /// Its client has what it wanted, or wants it no more.
  void settled(actors::CallNumber call) { x_open.erase(call); }
  /// @returns when the client calls again, if it does.
  std::optional<DueRepeat> failed(actors::CallNumber call, const Error& error, Duration now);
  /// @returns the call to be made now. @param number of a DueRepeat.
  Arrival take(std::uint64_t number, Duration now);

  /// Calls of clients that call again, in order.
  [[nodiscard]] std::vector<actors::CallNumber> open() const;
  /// Calls that are yet to be made again.
  [[nodiscard]] bool is_any_due() const { return !x_due.empty(); }
  /// Tries after the first.
  [[nodiscard]] std::uint64_t repeats() const { return x_repeats; }
  /// Calls that failed as often as their clients try.
  [[nodiscard]] std::uint64_t given_up() const { return x_given_up; }

 private:
  const Scenario* x_scenario;
  /// Of clients that call again, those that have not ended.
  std::map<actors::CallNumber, Arrival> x_open;
  std::map<std::uint64_t, Arrival> x_due;
  std::uint64_t x_repeats = 0;
  std::uint64_t x_given_up = 0;
};

}  // namespace signalbox::sim
