#include "simulations/world/run.hpp"

#include "simulations/world/scenario_run.hpp"

namespace signalbox::sim {

Result<RunFigures> run(const Scenario& scenario, const RunOptions& options) {
  for (const auto& [name, settings] : scenario.profiles) {
    if (auto error = check(settings)) return std::move(*error);
  }
  auto workload = Workload::open(scenario, options.seed, options.traces);
  if (workload.has_error()) return workload.error();
  return ScenarioRun{scenario, options}.drive(*workload);
}

}  // namespace signalbox::sim
