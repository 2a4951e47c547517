// A scenario: what is simulated, as data. Read from a file by scenario_reader; docs/simulation.md
// describes its keys.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/priority.hpp"
#include "core/profile_settings.hpp"
#include "core/time.hpp"
#include "simulations/laws.hpp"

namespace signalbox::sim {

/// A server that runs calls.
struct BackendSpec {
  std::string name;
  /// Empty = a pool of its own.
  std::string pool;
  /// The model's id; empty = its name.
  std::string model;
  /// Calls at once. Unset = as many as all profiles have slots, so that only those bind.
  std::optional<std::uint32_t> capacity;
  ServiceLaw service;

  friend bool operator==(const BackendSpec&, const BackendSpec&) = default;
};

/// Recorded calls in a CSV file with a header line.
struct TraceSpec {
  /// Relative to the traces' folder.
  std::string file;
  std::string time_column;
  /// Empty = sizes are drawn from the client's laws.
  std::string tokens_in_column;
  std::string tokens_out_column;
  /// Length of one unit of the time column when it holds numbers; zero = it holds calendar times.
  Duration time_unit{};

  friend bool operator==(const TraceSpec&, const TraceSpec&) = default;
};

/// One recorded call.
struct TraceRow {
  /// Since 1970 for calendar times, else since the recording's own zero.
  Duration at{};
  /// Unset where nobody recorded it.
  std::optional<std::uint32_t> tokens_in;
  std::optional<std::uint32_t> tokens_out;
  std::optional<Duration> service = {};

  friend bool operator==(const TraceRow&, const TraceRow&) = default;
};

enum class ArrivalKind : std::uint8_t { poisson, constant, trace, recorded };

/// When a client calls.
struct ArrivalLaw {
  ArrivalKind kind = ArrivalKind::poisson;
  /// Between two calls: the mean, or always. For poisson and constant.
  Duration gap{};
  TraceSpec trace = {};
  /// For recorded: since the run's start, in the order of their times.
  std::shared_ptr<const std::vector<TraceRow>> rows = nullptr;

  friend bool operator==(const ArrivalLaw&, const ArrivalLaw&) = default;
};

/// A stream of calls that are alike.
struct ClientSpec {
  std::string name;
  Priority priority = Priority::workflow;
  std::string owner;
  std::string profile;
  /// A backend, a pool or a model.
  std::string target;
  ArrivalLaw arrival;
  Law tokens_in;
  Law tokens_out;
  /// Unset = the profile's.
  std::optional<Duration> queue_wait;
  std::optional<Duration> inference;
  /// Its calls say how large they are, and their `max_tokens` is just what they come to. Else a
  /// policy that looks at sizes is told nothing.
  bool declares_size = false;
  /// Calls it makes at most; unset = as many as the scenario goes on.
  std::optional<std::uint64_t> tasks;
  /// Before this it makes none.
  Duration start{};

  friend bool operator==(const ClientSpec&, const ClientSpec&) = default;
};

struct Scenario {
  /// For headings: the file's name without its ending.
  std::string name;
  std::uint64_t seed = 1;
  /// Calls end to be made after so many, or at this time, whichever is first; then the line is
  /// worked off. At least one is set unless every client has an end of its own.
  std::optional<std::uint64_t> tasks;
  std::optional<Duration> horizon;
  /// The first calls, which the figures of the classes leave out.
  std::uint64_t warmup_tasks = 0;
  /// Waits for the disk are nothing here, but the order of messages is the mode's.
  CommitMode commit = CommitMode::sync;
  std::map<std::string, ProfileSettings> profiles;
  std::vector<BackendSpec> backends;
  std::vector<ClientSpec> clients;

  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// Every profile's policy becomes `policy`.
void set_policy(Scenario& scenario, const std::string& policy);

/// Every profile gets that many slots.
void set_slots(Scenario& scenario, std::uint32_t slots);

/// @returns the slots of all profiles; one that does not say counts as one.
std::uint32_t count_slots(const Scenario& scenario);

}  // namespace signalbox::sim
