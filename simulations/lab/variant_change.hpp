// Variants that differ from a scenario by a change of its tree, as `--variant` names them:
// "preempting={profiles: {gpu: {preempt: background}}}".
#pragma once

#include <string>
#include <vector>

#include "config/yaml_document.hpp"
#include "simulations/lab/compare.hpp"
#include "simulations/scenario/scenario_reader.hpp"

namespace signalbox::sim {

struct VariantChange {
  std::string name;
  /// Null = nothing differs.
  config::NodePointer tree;
};

struct VariantChangeText {
  /// To be used only when there are no violations.
  VariantChange change;
  std::vector<config::Violation> violations;
};

/// @param text "NAME={...}", the latter YAML.
VariantChangeText read_variant_change(const std::string& text);

/// A scenario with the tree that it is made of.
class ChangeableScenario {
 public:
  /// @param file_name as in read_scenario(). Everything wrong with it is in violations().
  ChangeableScenario(const std::string& yaml_text, const std::string& file_name);
  /// Of calls that were made: the tree leaves them out, since there may be more than a tree may
  /// hold, and changed scenarios make them all the same.
  explicit ChangeableScenario(Scenario scenario);

  [[nodiscard]] const Scenario& scenario() const { return x_scenario; }
  [[nodiscard]] const std::vector<config::Violation>& violations() const { return x_violations; }

  /// @returns the scenario with the change. Violations stand under the change's name, with the path
  /// of what is wrong. @pre it has no violations of its own.
  [[nodiscard]] ScenarioFile with(const VariantChange& change) const;

 private:
  config::NodePointer x_root;
  std::string x_file_name;
  Scenario x_scenario;
  /// What the tree says by itself.
  Scenario x_read;
  std::vector<config::Violation> x_violations;
};

}  // namespace signalbox::sim
