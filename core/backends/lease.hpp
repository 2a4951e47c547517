// The right to send one call to one backend: taken from the directory before a slot is granted,
// given back after.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.hpp"

namespace signalbox {

/// Names an executor (an upstream, a worker session, a plugin) for the directory and those who talk
/// to it.
using ExecutorId = std::uint32_t;

/// A session that somebody waits for a lease with.
struct SessionWait {
  /// Empty = of calls without a session.
  std::string session;
  /// Since when its first caller waits.
  Instant since{};

  friend bool operator==(const SessionWait&, const SessionWait&) = default;
};

struct Lease {
  ExecutorId executor = 0;
  /// The LLM that runs it.
  std::string llm;
  /// Who holds the task meanwhile: a worker's session, else the LLM's name.
  std::string holder;
  /// The backend's own id for the model.
  std::string model;
  /// Whose capacity it takes.
  std::string group;
  /// Rises with every lease of this start of the daemon; the low half of the claim's epoch.
  std::uint32_t number = 0;
  /// Only for a call of this session (empty = one without); unset = for any.
  std::optional<std::string> session = {};

  friend bool operator==(const Lease&, const Lease&) = default;
};

/// What the call that had the lease says about its backend.
enum class LeaseOutcome : std::uint8_t { untold, succeeded, failed };

/// Live executors behind a target: capacity group and how many calls it takes at once. Sorted by
/// group.
using CapacityList = std::vector<std::pair<std::string, std::uint32_t>>;

}  // namespace signalbox
