// Runs seeds side by side, each worker in a process of its own: a seed that takes its process down
// or never ends is a failure like another, and the rest goes on.
#pragma once

#include <chrono>
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

struct SeedOrder {
  SeedSpan seeds;
  /// Processes at once, at least 1.
  std::uint32_t jobs = 1;
  /// What a seed may take; its process is killed then.
  std::chrono::milliseconds patience{60'000};
  /// Called in a worker; must not use the terminal.
  std::function<sim::SeedRun(std::uint64_t seed)> run;
  /// Everything is stopped when it is readable; -1 = nothing is.
  int stop_file = -1;
};

/// Which seed is told of when is left to chance.
struct SeedListener {
  std::function<void(const sim::SeedFigures&)> figures;
  std::function<void(sim::SeedFailure)> failure;
};

struct SeedsEnd {
  /// What went wrong with the processes themselves, empty when nothing did.
  std::string error;
  /// It was told to, before all were run.
  bool is_stopped = false;
};

/// @pre this process has one thread.
SeedsEnd run_seeds(const SeedOrder& order, const SeedListener& listener);

}  // namespace signalbox::cli
