// A queue that theory knows, made of the daemon's own actors on the virtual clock: Poisson arrivals
// per class, exponential service, one profile, one backend with as much room as the profile has
// slots.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/admission/profile_settings.hpp"
#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

struct Workload {
  std::uint32_t slots = 1;
  /// Arrivals per second per class; zero = none.
  std::array<double, priority_count> rates{};
  Duration service = 1s;
  std::size_t tasks = 0;
  std::string policy = "strict";
  PolicyOptions options = {};
  /// The caller says how long its answer will be, and is right: a token per microsecond of service.
  bool says_size = false;
  /// Calls belong to so many owners, by chance.
  std::uint32_t owners = 1;
  /// Calls are for so many models of the one backend, by chance. A call for another model than the
  /// last one's takes `swap_cost` longer.
  std::uint32_t models = 1;
  Duration swap_cost{};
};

struct Outcome {
  /// Of the calls after the first twentieth. Unit: s.
  std::array<double, priority_count> mean_wait_s{};
  std::size_t swaps = 0;
  std::uint64_t trace_hash = 0xCBF29CE484222325ULL;
};

Outcome simulate(const Workload& workload, std::uint64_t seed);

/// Mean and standard error over seeds.
using Estimate = std::pair<double, double>;

/// @returns per class, over seeds 1 to `seeds`.
std::array<Estimate, priority_count> over_seeds(const Workload& workload, std::uint64_t seeds);

/// @returns the mean of the classes' waits, each counted by its rate.
Estimate mix_over_seeds(const Workload& workload, std::uint64_t seeds);

/// Within `tolerance` of what is expected, or within 3 standard errors.
void check_mean(Estimate measured, double expected, double tolerance);

Workload with_tasks(Workload workload, std::size_t tasks);

inline const Workload o1{.slots = 1, .rates = {0, 0.8, 0}, .service = 1s, .tasks = 20'000};
inline const Workload o4{.slots = 4, .rates = {0.4, 0.6, 0.6}, .service = 2s, .tasks = 20'000};

}  // namespace signalbox::testing
