// What a call whose inference budget ran out says about its backend. A wedged server still takes
// connections, and drops them when it is told to: what gives it away is that nothing has come.
#pragma once

#include "core/base/time.hpp"

namespace signalbox {

/// A sound backend may be silent for so long, while it loads a model or reads a prompt. Whoever
/// gives it less has learned nothing about it.
inline constexpr std::chrono::seconds silence_that_counts{10};

/// A call that was stopped because its inference budget was over.
struct TimedOutCall {
  /// Something of its answer had come.
  bool has_begun = false;
  /// Since it was given to the backend, which had less than the budget if others had it before.
  Duration held{};
};

/// @returns whether a call that ended so counts against its backend, as one that failed. Of a
/// stream that was not done in time it is the budget that was too short.
constexpr bool counts_against_backend(const TimedOutCall& call) {
  return !call.has_begun && call.held >= silence_that_counts;
}

}  // namespace signalbox
