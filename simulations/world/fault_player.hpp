// Does a scenario's faults to a house: what state servers, profiles and the configuration are in
// follows from the faults that are in force.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulations/figures/figures.hpp"
#include "simulations/world/simulated_house.hpp"

namespace signalbox::sim {

/// No process starts faster, and ids of one life are not to meet those of another.
inline constexpr std::chrono::milliseconds downtime_min{10};

class FaultPlayer {
 public:
  /// @param scenario must outlive it.
  explicit FaultPlayer(const Scenario& scenario);

  /// @param fault index in the scenario's. @returns the profile that is being changed, if any.
  std::optional<std::string> begin(std::size_t fault, SimulatedHouse& house);
  std::optional<std::string> end(std::size_t fault, SimulatedHouse& house);
  /// @returns how long after its beginning it goes on, if it has more than one step.
  [[nodiscard]] std::optional<Duration> first_pause(std::size_t fault) const;
  /// Takes its next step. @returns how long until the one after that; nothing when there is none.
  std::optional<Duration> go_on(std::size_t fault, SimulatedHouse& house);
  /// After a restart: what API calls were to set meanwhile is set now.
  void catch_up(SimulatedHouse& house);

  /// @returns the fault that a call meets which that server is given now; null = none.
  const Fault* meet(const std::string& backend, Duration now);

  /// What the process finds when it starts again, and how long it is away.
  [[nodiscard]] const std::map<std::string, ProfileSettings>& config() const { return x_config; }
  [[nodiscard]] Duration downtime() const { return x_downtime; }
  /// How often each kind came into force; of those that calls meet, how many calls did.
  [[nodiscard]] const FaultCounts& counts() const { return x_counts; }

 private:
  std::optional<std::string> change(const Fault& fault, SimulatedHouse& house);
  [[nodiscard]] ServerState server_state(const std::string& backend, ServerState state,
                                         Duration now) const;
  [[nodiscard]] ProfileSettings wanted(const std::string& profile) const;
  void configure(const std::string& profile, SimulatedHouse& house);
  /// Of all that are in force: the longest, or all together.
  [[nodiscard]] Duration longest(FaultKind kind) const;
  [[nodiscard]] Duration sum(FaultKind kind) const;

  const Scenario& x_scenario;
  std::map<std::string, ProfileSettings> x_config;
  /// By server, as it is without faults.
  std::map<std::string, ServerState> x_servers;
  /// Profiles that an API call has changed, as it was to leave them.
  std::map<std::string, ProfileSettings> x_changed;
  /// By index.
  std::vector<bool> x_is_active;
  Duration x_downtime = downtime_min;
  FaultCounts x_counts{};
};

}  // namespace signalbox::sim
