// The figures that experiments and comparisons speak of, by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/priority.hpp"
#include "simulations/figures/client_tally.hpp"
#include "simulations/figures/figures.hpp"

namespace signalbox::sim {

/// What a figure is of.
enum class FigureScope : std::uint8_t {
  /// The run, and nothing less.
  run,
  /// A class; all of them when none is named.
  any_class,
  one_class,
  /// A client, a class or all.
  anyone,
  /// A profile; all of them when none is named.
  any_profile,
};

/// A figure of a run, of one of its classes, clients or profiles.
struct FigureRef {
  /// Index in figure_words().
  std::size_t kind = 0;
  std::optional<Priority> priority = {};
  /// A client's name, or that of an owner, whose clients are taken together. Empty = all.
  std::string client = {};
  /// Empty = all.
  std::string profile = {};

  friend bool operator==(const FigureRef&, const FigureRef&) = default;
};

/// The names, each ending in its unit where it has one.
const std::vector<std::string>& figure_words();
/// @pre `word` is one of them.
std::size_t figure_kind(std::string_view word);
FigureScope scope_of(const FigureRef& figure);

/// @returns "mean_wait_s interactive".
std::string to_string(const FigureRef& figure);

// The same for headings.
/// @returns "mean wait".
std::string title_of(const FigureRef& figure);
/// @returns "s", or nothing.
std::string unit_of(const FigureRef& figure);
/// @returns "interactive", "profile gpu" or "all".
std::string owner_of(const FigureRef& figure);

/// @returns the figure, or nothing where the run has no such class, client or profile.
std::optional<double> measure(const FigureRef& figure, const RunFigures& run,
                              const ClientTally& tally);

}  // namespace signalbox::sim
