// Laws drawn once: a client's calls, one by one, in the place of the laws that made them. What is
// left can be taken away call by call, and needs no seed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

struct FreezeOptions {
  /// Index of the only client to freeze; unset = all of them.
  std::optional<std::size_t> client = {};
  /// Each call takes as long as its first backend's law says, on whichever it runs. Else backends
  /// draw for themselves.
  bool fixes_service = true;
  /// The folder that traces' names are relative to.
  std::string traces = {};
};

/// A closed client stays as it is. With all clients frozen the scenario ends by itself: its `tasks`
/// and `horizon` are dropped.
/// @returns the same calls at the same times, or invalid_request when a trace cannot be read.
Result<Scenario> freeze(const Scenario& scenario, const FreezeOptions& options);

/// @returns whether every client's calls are explicit.
bool is_frozen(const ClientSpec& client);

}  // namespace signalbox::sim
