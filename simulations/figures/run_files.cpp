#include "simulations/figures/run_files.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "simulations/figures/run_report.hpp"

namespace signalbox::sim {

RunFiles::RunFiles(const Scenario& scenario, std::string folder)
    : x_scenario{&scenario}, x_folder{std::move(folder)} {
  std::error_code failed;
  std::filesystem::create_directories(x_folder, failed);
  x_tasks.open(x_folder + "/tasks.csv", std::ios::binary);
  x_timeline.open(x_folder + "/timeline.csv", std::ios::binary);
  x_tasks << "number,client,class,owner,profile,model,tokens_in,tokens_out,arrived_us,"
             "dispatched_us,ended_us,wait_us,status\n";
  x_timeline << "second,queued_interactive,queued_workflow,queued_background,running\n";
}

void RunFiles::ended(const EndedTask& task) {
  const ClientSpec& client = x_scenario->clients[task.client];
  const std::string dispatched =
      task.dispatched_at ? std::to_string(to_us(*task.dispatched_at)) : std::string{};
  x_tasks << fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{}\n", task.number, client.name,
                         to_string(client.priority), client.owner, client.profile, client.target,
                         task.size.tokens_in, task.size.tokens_out, to_us(task.arrived_at),
                         dispatched, to_us(task.ended_at), to_us(task.wait),
                         to_string(task.status));
}

void RunFiles::sampled(std::uint64_t second, const LineState& line) {
  x_line.sampled(second, line);
  x_timeline << fmt::format("{},{},{},{},{}\n", second, line.queued[0], line.queued[1],
                            line.queued[2], line.running);
}

void RunFiles::write(const std::string& name, const std::string& text) {
  std::ofstream file{x_folder + "/" + name, std::ios::binary};
  file << text;
  file.close();
  x_is_good = x_is_good && !file.fail();
}

std::optional<Error> RunFiles::finish(const RunFigures& figures) {
  write("classes.csv", print_classes(figures));
  write("summary.txt", print_summary(figures));
  if (!x_scenario->faults.empty()) write("faults.csv", print_faults(*x_scenario));
  for (const auto& [name, text] : run_report_files(*x_scenario, figures, x_line)) {
    write(name, text);
  }
  x_tasks.close();
  x_timeline.close();
  if (x_is_good && !x_tasks.fail() && !x_timeline.fail()) return std::nullopt;
  return make_error(ErrorCode::invalid_request, "cannot write the files in " + x_folder);
}

}  // namespace signalbox::sim
