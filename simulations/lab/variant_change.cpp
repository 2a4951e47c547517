#include "simulations/lab/variant_change.hpp"

#include <algorithm>

#include "config/words.hpp"
#include "simulations/scenario/scenario_change.hpp"
#include "simulations/scenario/scenario_writer.hpp"

namespace signalbox::sim {
namespace {

std::string place_of(const std::string& name) {
  return "--variant " + config::quote(name);
}

/// Clients that make recorded calls make but one of them; who has no owner is his own.
Scenario without_calls(Scenario scenario) {
  for (ClientSpec& client : scenario.clients) {
    if (client.owner.empty()) client.owner = client.name;
    if (client.arrival.kind != ArrivalKind::recorded) continue;
    client.arrival.rows = std::make_shared<const std::vector<TraceRow>>(1);
  }
  return scenario;
}

/// Puts back what the tree could not hold and the change has left alone.
void restore(Scenario& changed, const Scenario& read, const Scenario& whole) {
  for (std::size_t index = 0; index < read.clients.size(); ++index) {
    const ClientSpec& plain = read.clients[index];
    const ClientSpec& original = whole.clients[index];
    const auto place =
        std::find_if(changed.clients.begin(), changed.clients.end(),
                     [&](const ClientSpec& client) { return client.name == plain.name; });
    if (place == changed.clients.end()) continue;
    if (place->arrival == plain.arrival) place->arrival = original.arrival;
    // An owner without a name cannot be written.
    if (place->owner == plain.owner) place->owner = original.owner;
  }
}

}  // namespace

VariantChangeText read_variant_change(const std::string& text) {
  const std::size_t equals = text.find('=');
  VariantChangeText read;
  if (equals == 0 || equals == std::string::npos) {
    read.violations.push_back({"--variant", 0, 0, config::quote(text), "is not NAME={...}"});
    return read;
  }
  read.change.name = text.substr(0, equals);
  const std::string place = place_of(read.change.name);
  config::YamlDocument document = config::parse_yaml(text.substr(equals + 1), place);
  read.violations = std::move(document.violations);
  const bool is_empty = document.root == nullptr || document.root->kind == config::NodeKind::null;
  if (is_empty || !read.violations.empty()) return read;
  if (document.root->kind != config::NodeKind::map) {
    read.violations.push_back(
        {place, 0, 0, "", "must be a map of what differs, like {profiles: ...}"});
  }
  read.change.tree = document.root;
  return read;
}

ChangeableScenario::ChangeableScenario(const std::string& yaml_text, const std::string& file_name)
    : x_file_name{file_name} {
  config::YamlDocument document = config::parse_yaml(yaml_text, file_name);
  x_root = document.root;
  ScenarioFile file = read_scenario(std::move(document), file_name);
  x_scenario = std::move(file.scenario);
  x_read = x_scenario;
  x_violations = std::move(file.violations);
}

ChangeableScenario::ChangeableScenario(Scenario scenario)
    : ChangeableScenario{write_scenario(without_calls(scenario)), scenario.name} {
  x_scenario = std::move(scenario);
}

ScenarioFile ChangeableScenario::with(const VariantChange& change) const {
  config::YamlDocument document;
  document.root = change_tree(x_root, change.tree);
  ScenarioFile file = read_scenario(std::move(document), x_file_name);
  for (config::Violation& violation : file.violations) {
    violation.file = place_of(change.name);
    violation.line = 0;
    violation.column = 0;
  }
  if (file.violations.empty()) restore(file.scenario, x_read, x_scenario);
  return file;
}

}  // namespace signalbox::sim
