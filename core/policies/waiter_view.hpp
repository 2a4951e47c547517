// What may be known of a call while it waits: what its caller said and what calls like it took.
// How long its answer will be is nowhere here, so no policy can look at it.
#pragma once

#include <cstdint>

#include "core/base/ids.hpp"
#include "core/base/priority.hpp"
#include "core/base/time.hpp"
#include "core/policies/wait_queue.hpp"

namespace signalbox {

/// Small number that a profile gives to each owner it knows; see OwnerTable.
using OwnerIndex = std::uint32_t;

/// What a caller says of its call's size. Unit: tokens. 0 = not said.
struct CallSize {
  /// Of the prompt; a guess from its length will do.
  std::uint32_t tokens_in = 0;
  /// The most that it wants to be answered.
  std::uint32_t tokens_out_max = 0;

  friend bool operator==(const CallSize&, const CallSize&) = default;
};

struct WaiterView {
  TaskId id;
  /// Rises with every reservation of the profile; kept when it comes back from a slot.
  std::uint64_t sequence = 0;
  /// When it was reserved first, whatever happened to it since.
  Instant enqueued_at{};
  CallSize declared;
  /// What it is expected to be answered. Unit: tokens. 0 unless the policy predicts.
  std::uint32_t predicted_out = 0;
  OwnerIndex owner = 0;
  TargetIndex target = 0;
  /// Times that it came back from a slot.
  std::uint32_t attempts = 0;
  Priority priority = Priority::workflow;
  /// Its owner's share; 1 unless the policy weighs owners.
  std::uint32_t owner_weight = 1;
};

/// What a call costs its owner (VTC, arXiv 2401.00588): 1 per token in, 2 per token out.
constexpr std::int64_t token_cost(std::uint64_t tokens_in, std::uint64_t tokens_out) {
  return static_cast<std::int64_t>(tokens_in + 2 * tokens_out);
}

}  // namespace signalbox
