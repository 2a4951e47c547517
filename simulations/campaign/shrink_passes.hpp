// The changes that a search for the smallest scenario tries, in families. Each only takes away or
// makes simpler, so that no two of them undo each other for ever.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "simulations/campaign/shrink.hpp"

namespace signalbox::sim {

/// The smallest scenario so far, and what was tried.
class Shrinking {
 public:
  /// @pre `failure` is what `probe` says of `scenario`. The other arguments must outlive it.
  Shrinking(Scenario scenario, std::string failure, const FailureProbe& probe,
            const ShrinkLimits& limits);

  [[nodiscard]] const Scenario& best() const { return x_best; }
  [[nodiscard]] const ShrinkLimits& limits() const { return x_limits; }
  [[nodiscard]] std::uint64_t tries() const { return x_tries; }
  /// Changes that were kept.
  [[nodiscard]] std::uint64_t kept() const { return x_kept; }
  /// A limit is reached: every further attempt is in vain.
  [[nodiscard]] bool is_over() const;

  /// Makes the candidate the best when it fails as the first one did. What was tried before is not
  /// tried again. @returns whether it was kept.
  bool attempt(const Scenario& candidate);

 private:
  Scenario x_best;
  std::string x_failure;
  const FailureProbe& x_probe;
  const ShrinkLimits& x_limits;
  std::uint64_t x_tries = 0;
  std::uint64_t x_kept = 0;
  /// Hashes of their files.
  std::set<std::uint64_t> x_seen;
};

/// Fewer calls of clients that follow laws: `tasks` and `horizon` are halved.
void shorten_run(Shrinking& shrinking);
/// Explicit calls in the place of laws.
void freeze_clients(Shrinking& shrinking);
/// Without some of its clients, faults, calls, backends, profiles.
void delete_parts(Shrinking& shrinking);
/// One client, profile or backend in the place of two.
void merge_parts(Shrinking& shrinking);
/// One long call in the place of several short ones, and calls at one moment.
void join_calls(Shrinking& shrinking);
/// Options as they are unless given.
void drop_options(Shrinking& shrinking);
/// Constants in the place of laws.
void simplify_laws(Shrinking& shrinking);
/// Zeros, round and small numbers.
void lower_numbers(Shrinking& shrinking);
/// The same for explicit calls, and shorter pauses between all that happens.
void lower_calls(Shrinking& shrinking);

}  // namespace signalbox::sim
