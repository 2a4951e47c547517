// A run as files: tasks.csv (every task), timeline.csv (the line, second by second), classes.csv,
// faults.csv where there are any, summary.txt, report.html and its charts. The long ones are
// written as the run goes.
#pragma once

#include <fstream>
#include <string>

#include "core/base/error.hpp"
#include "simulations/figures/line_curve.hpp"
#include "simulations/figures/recorder.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

class RunFiles final : public RunObserver {
 public:
  /// Makes the folder when it is not there; files of an earlier run are replaced.
  /// @param scenario must outlive it.
  RunFiles(const Scenario& scenario, std::string folder);

  void ended(const EndedTask& task) override;
  void sampled(std::uint64_t second, const LineState& line) override;

  /// Writes what is known only at the end. @returns invalid_request when something could not be
  /// written; the files are not to be relied on then.
  std::optional<Error> finish(const RunFigures& figures);

 private:
  void write(const std::string& name, const std::string& text);

  const Scenario* x_scenario;
  std::string x_folder;
  std::ofstream x_tasks;
  std::ofstream x_timeline;
  LineCurve x_line;
  bool x_is_good = true;
};

}  // namespace signalbox::sim
