// The figures that experiments speak of, by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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
  one_client,
};

/// A figure of a run, of one of its classes or of one of its clients.
struct FigureRef {
  /// Index in figure_words().
  std::size_t kind = 0;
  std::optional<Priority> priority = {};
  /// A client's name, or that of an owner, whose clients are taken together. Empty = all.
  std::string client = {};

  friend bool operator==(const FigureRef&, const FigureRef&) = default;
};

/// The names, each ending in its unit where it has one.
const std::vector<std::string>& figure_words();
FigureScope scope_of(const FigureRef& figure);

/// @returns "mean_wait_s interactive".
std::string to_string(const FigureRef& figure);

/// @returns the figure, or nothing where the run has no such class or client.
std::optional<double> measure(const FigureRef& figure, const RunFigures& run,
                              const ClientTally& tally);

}  // namespace signalbox::sim
