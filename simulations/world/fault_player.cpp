#include "simulations/world/fault_player.hpp"

#include <algorithm>

namespace signalbox::sim {
namespace {

/// Calls that are given to a server while it is away find nobody.
bool is_met_by_calls(FaultKind kind) {
  return kind <= FaultKind::flapping;
}

/// @pre it is in force.
bool is_away(const Fault& fault, Duration now) {
  if (fault.kind == FaultKind::flapping) return (now - fault.at) / fault.delay % 2 == 0;
  return fault.kind == FaultKind::gone || fault.kind == FaultKind::death;
}

/// It is what calls meet, and nothing else.
bool is_of_calls(FaultKind kind) {
  return kind < FaultKind::gone;
}

}  // namespace

FaultPlayer::FaultPlayer(const Scenario& scenario)
    : x_scenario{scenario}, x_config{scenario.profiles}, x_is_active(scenario.faults.size()) {}

std::optional<std::string> FaultPlayer::begin(std::size_t fault, SimulatedHouse& house) {
  const Fault& begun = x_scenario.faults[fault];
  x_is_active[fault] = true;
  if (!is_of_calls(begun.kind)) ++x_counts[static_cast<std::size_t>(begun.kind)];
  const auto count = static_cast<std::uint64_t>(begun.amount);
  switch (begun.kind) {
    case FaultKind::death:
      house.kill_server(begun.target);
      return change(begun, house);
    case FaultKind::edit_slots:
      if (const auto profile = x_config.find(begun.target); profile != x_config.end()) {
        profile->second.max_concurrent = static_cast<std::uint32_t>(begun.amount);
      }
      return std::nullopt;
    case FaultKind::drop_profile:
      x_config.erase(begun.target);
      return std::nullopt;
    case FaultKind::crash:
      x_downtime = std::max<Duration>(begun.lasts, downtime_min);
      house.die_after(count);
      return std::nullopt;
    case FaultKind::crash_before_commit:
    case FaultKind::crash_after_commit:
      x_downtime = std::max<Duration>(begun.lasts, downtime_min);
      house.die_in_commit(count, begun.kind == FaultKind::crash_after_commit);
      return std::nullopt;
    case FaultKind::full_disk:
      house.fail_commits(count);
      return std::nullopt;
    case FaultKind::drain:
      x_downtime = std::max<Duration>(begun.lasts, downtime_min);
      house.begin_drain();
      return std::nullopt;
    default:
      return change(begun, house);
  }
}

std::optional<std::string> FaultPlayer::end(std::size_t fault, SimulatedHouse& house) {
  x_is_active[fault] = false;
  return change(x_scenario.faults[fault], house);
}

std::optional<std::string> FaultPlayer::change(const Fault& fault, SimulatedHouse& house) {
  switch (fault.kind) {
    case FaultKind::gone:
    case FaultKind::death:
    case FaultKind::flapping:
    case FaultKind::capacity: {
      const auto server =
          x_servers.try_emplace(fault.target, house.server(fault.target)).first->second;
      house.set_server(fault.target, server_state(fault.target, server, house.now()));
      return std::nullopt;
    }
    case FaultKind::slots:
    case FaultKind::bound:
    case FaultKind::policy:
      x_changed[fault.target] = wanted(fault.target);
      configure(fault.target, house);
      return fault.target;
    case FaultKind::slow_sync:
      house.slow_disk_down(longest(fault.kind));
      return std::nullopt;
    case FaultKind::wall_jump:
      house.set_wall_offset(sum(fault.kind));
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<Duration> FaultPlayer::first_pause(std::size_t fault) const {
  const Fault& begun = x_scenario.faults[fault];
  const bool has_steps = begun.kind == FaultKind::flapping || begun.kind == FaultKind::drain;
  return has_steps ? std::optional{begun.delay} : std::nullopt;
}

std::optional<Duration> FaultPlayer::go_on(std::size_t fault, SimulatedHouse& house) {
  const Fault& begun = x_scenario.faults[fault];
  if (begun.kind == FaultKind::drain) house.stop();
  if (begun.kind != FaultKind::flapping || !x_is_active[fault]) return std::nullopt;
  change(begun, house);
  return begun.delay;
}

Duration FaultPlayer::longest(FaultKind kind) const {
  Duration longest{};
  for (std::size_t index = 0; index < x_is_active.size(); ++index) {
    const Fault& fault = x_scenario.faults[index];
    if (x_is_active[index] && fault.kind == kind) longest = std::max(longest, fault.delay);
  }
  return longest;
}

Duration FaultPlayer::sum(FaultKind kind) const {
  Duration sum{};
  for (std::size_t index = 0; index < x_is_active.size(); ++index) {
    const Fault& fault = x_scenario.faults[index];
    if (x_is_active[index] && fault.kind == kind) sum += fault.delay;
  }
  return sum;
}

ServerState FaultPlayer::server_state(const std::string& backend, ServerState state,
                                      Duration now) const {
  for (std::size_t index = 0; index < x_is_active.size(); ++index) {
    const Fault& fault = x_scenario.faults[index];
    if (!x_is_active[index] || fault.target != backend) continue;
    if (is_away(fault, now)) state.is_present = false;
    if (fault.kind == FaultKind::capacity) {
      state.capacity = static_cast<std::uint32_t>(fault.amount);
    }
  }
  return state;
}

ProfileSettings FaultPlayer::wanted(const std::string& profile) const {
  ProfileSettings settings = x_scenario.profiles.at(profile);
  for (std::size_t index = 0; index < x_is_active.size(); ++index) {
    const Fault& fault = x_scenario.faults[index];
    if (!x_is_active[index] || fault.target != profile) continue;
    const auto amount = static_cast<std::uint32_t>(fault.amount);
    if (fault.kind == FaultKind::slots) settings.max_concurrent = amount;
    if (fault.kind == FaultKind::bound) settings.max_queued = amount;
    if (fault.kind == FaultKind::policy) settings.policy = fault.word;
  }
  return settings;
}

void FaultPlayer::configure(const std::string& profile, SimulatedHouse& house) {
  const ProfileSettings& settings = x_changed.at(profile);
  actors::ConfigureProfile change;
  change.name = profile;
  change.max_concurrent = settings.max_concurrent;
  change.max_queued = settings.max_queued;
  change.policy = settings.policy;
  house.configure(std::move(change));
}

void FaultPlayer::catch_up(SimulatedHouse& house) {
  for (const auto& [profile, settings] : x_changed) configure(profile, house);
}

const Fault* FaultPlayer::meet(const std::string& backend, Duration now) {
  for (const Fault& fault : x_scenario.faults) {
    // Over at its end, unless that is its beginning as well.
    const bool is_on = now == fault.at || (fault.at < now && now < fault.at + fault.lasts);
    const bool is_met = is_on && is_met_by_calls(fault.kind) && fault.target == backend;
    const bool is_there = fault.kind == FaultKind::flapping && !is_away(fault, now);
    if (!is_met || is_there) continue;
    if (is_of_calls(fault.kind)) ++x_counts[static_cast<std::size_t>(fault.kind)];
    return &fault;
  }
  return nullptr;
}

}  // namespace signalbox::sim
