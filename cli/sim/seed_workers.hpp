// Runs seeds side by side, each worker in a process of its own: a seed that takes its process down
// is a failure like another, and the rest goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "simulations/campaign/campaign.hpp"

namespace signalbox::cli {

struct SeedSpan {
  std::uint64_t first = 1;
  /// Included.
  std::uint64_t last = 1;
};

struct SeedListener {
  std::function<void(const sim::SeedFigures&)> figures;
  std::function<void(sim::SeedFailure)> failure;
};

/// @param jobs processes at once, at least 1. @param tasks as in sim::run_seed().
/// @returns what went wrong with the processes themselves, empty when nothing did. Which seed is
/// told of when is left to chance.
std::string run_seeds(SeedSpan seeds, std::uint32_t jobs, std::uint64_t tasks,
                      const SeedListener& listener);

}  // namespace signalbox::cli
