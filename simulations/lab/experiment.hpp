// An experiment as data: variants of scenarios, and what is claimed of them in numbers. Read from
// simulations/experiments/NAME/experiment.yaml by experiment_reader; docs/simulation.md describes
// its keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/priority.hpp"
#include "simulations/lab/experiment_figures.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

struct ExperimentVariant {
  std::string name;
  Scenario scenario;
  /// Chance has no part in it: one run tells all.
  bool is_certain = false;
  /// Points of the same line are joined in plots; empty = a line of its own.
  std::string line;
};

enum class Relation : std::uint8_t { is, at_most, at_least };

/// One figure of one variant, against a number or against the same figure of another variant.
struct Expectation {
  FigureRef figure = {};
  /// Index in Experiment::variants.
  std::size_t variant = 0;
  Relation relation = Relation::is;
  double value = 0;
  /// `value` times that variant's figure is meant; unset = `value` itself.
  std::optional<std::size_t> times = {};
  /// For `is`: allowed, as a share of what is expected. Three standard errors always are, when
  /// there are several seeds.
  double within = 0.01;
};

struct ExperimentPlot {
  FigureRef x;
  FigureRef y;
};

/// How much is run.
struct Effort {
  std::uint64_t seeds = 10;
  /// Calls of every scenario that ends after a number of them; a twentieth is warm-up. Unset = as
  /// it says itself.
  std::optional<std::uint64_t> tasks = {};
};

struct Experiment {
  /// Of its folder.
  std::string name;
  std::string title;
  std::string claim;
  Effort full;
  Effort quick;
  /// What later than this is no goodput.
  Duration promised = std::chrono::hours{24};
  std::vector<ExperimentVariant> variants;
  /// Every figure that is measured, each once: first those that are shown of every variant, then
  /// those that are only expected of some.
  std::vector<FigureRef> figures;
  std::size_t shown_figures = 0;
  std::vector<Expectation> expectations;
  std::vector<ExperimentPlot> plots;
};

}  // namespace signalbox::sim
