// The calls of a scenario, in the order they are made. Every client draws from streams of its own
// name, so whatever a policy does, and whatever another client is, its calls come at the same times
// with the same sizes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "simulations/scenario/burst_clock.hpp"
#include "simulations/scenario/laws.hpp"
#include "simulations/scenario/random.hpp"
#include "simulations/scenario/scenario.hpp"
#include "simulations/scenario/trace_reader.hpp"
#include "simulations/scenario/user_crowd.hpp"

namespace signalbox::sim {

/// Of a call that its client may make again, or has.
struct Repeat {
  /// Calls made so far for the same answer.
  std::uint32_t tries = 0;
  /// When the first of them was made, and which call that was; calls count from 1.
  Duration first_at{};
  std::uint64_t first_number = 0;
};

/// One call as it is made.
struct Arrival {
  /// Since the run's start.
  Duration at{};
  /// Index in Scenario::clients.
  std::uint32_t client = 0;
  CallSize size;
  CallActs acts = {};
  /// Seed of the call's own pauses between tries; 0 when its client calls but once.
  std::uint64_t retry_seed = 0;
  /// Set when it was made before.
  std::optional<Repeat> repeat = {};
  /// Of its owner's; unset = none.
  std::optional<std::uint32_t> session = {};
  /// Of its closed client; unset = nobody waits for the answer to call again.
  std::optional<std::uint32_t> user = {};
};

/// @returns the key of the session that the call belongs to; empty = none.
std::string session_of(const ClientSpec& client, const Arrival& arrival);

class Workload {
 public:
  /// @param scenario must outlive it. @param traces the folder that traces' names are relative to.
  /// @returns invalid_request when a trace cannot be read.
  static Result<Workload> open(const Scenario& scenario, std::uint64_t seed,
                               const std::string& traces);

  /// @returns the next call, or nothing when the last was made; where users wait for answers, the
  /// last so far. Calls at one instant come in the order of their clients.
  Result<std::optional<Arrival>> next();
  /// @returns when the next call comes, or nothing, as above.
  [[nodiscard]] std::optional<Duration> next_at() const;
  /// A user's call is over: he thinks about his next one. @pre he waits. @param client index in
  /// Scenario::clients.
  void answered(std::uint32_t client, std::uint32_t user, Duration now);

 private:
  struct Source {
    const ClientSpec* client = nullptr;
    RandomStream gaps;
    RandomStream sizes;
    RandomStream service;
    RandomStream guesses;
    RandomStream acts;
    RandomStream retries;
    RandomStream sessions;
    std::unique_ptr<TraceReader> trace;
    /// What the trace's own times are counted from.
    Duration trace_zero{};
    BurstClock bursts = {};
    /// Of a closed client only.
    std::unique_ptr<UserCrowd> crowd = nullptr;
    /// Unset when it makes no more, or all its users wait.
    std::optional<Duration> next_at;
    std::optional<TraceRow> next_row = {};
    std::uint64_t made = 0;
  };

  explicit Workload(const Scenario& scenario) : x_scenario{&scenario} {}
  std::optional<Error> open_trace(Source& source, const std::string& traces);
  void align_traces();
  /// Sets when the source's next call comes.
  std::optional<Error> move_on(Source& source);
  std::optional<Error> read_row(Source& source);
  /// @returns when the row comes that was read last.
  static Duration place_row(const Source& source);
  /// Lets the user who is next call. @returns who it is.
  static std::uint32_t take_user(Source& source);
  void find_earliest();
  static CallSize draw_size(Source& source);
  static CallActs draw_acts(Source& source);
  static std::optional<std::uint32_t> draw_session(Source& source);

  const Scenario* x_scenario;
  std::vector<Source> x_sources;
  /// Whose call is next; null = nobody's.
  Source* x_earliest = nullptr;
  std::uint64_t x_made = 0;
};

}  // namespace signalbox::sim
