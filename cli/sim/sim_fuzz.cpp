#include "cli/sim/sim_fuzz.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/client/failure.hpp"
#include "cli/client/output.hpp"
#include "cli/sim/seed_workers.hpp"
#include "cli/sim/sim_files.hpp"
#include "simulations/campaign/campaign.hpp"
#include "simulations/campaign/draw_scenario.hpp"
#include "simulations/scenario/scenario_writer.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::uint32_t processors() {
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : static_cast<std::uint32_t>(count);
}

}  // namespace

int run_fuzz(const FuzzOptions& options) {
  if (!options.out.empty()) {
    const auto drawn = sim::draw_scenario(options.first_seed, options.tasks);
    if (!write_file(options.out, sim::write_scenario(drawn))) {
      return report({ExitCode::failure, "cannot write " + options.out});
    }
  }
  const bool is_watched = isatty(STDERR_FILENO) == 1;
  const auto began = Clock::now();
  sim::Campaign campaign{options.tasks};
  SeedListener listener;
  listener.figures = [&](const sim::SeedFigures& figures) {
    campaign.add(figures);
    if (is_watched) {
      std::fprintf(stderr, "\r%llu seeds", static_cast<unsigned long long>(campaign.seeds()));
    }
  };
  listener.failure = [&](sim::SeedFailure failure) { campaign.fail(std::move(failure)); };
  const std::string error = run_seeds({options.first_seed, options.last_seed},
                                      options.jobs.value_or(processors()), options.tasks, listener);
  if (is_watched) std::fprintf(stderr, "\r");
  if (!error.empty()) return report({ExitCode::failure, error});
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::fprintf(stderr, "%.2f s: %.0f tasks/s\n", seconds,
               static_cast<double>(campaign.sums().tasks) / std::max(seconds, 1e-9));
  if (!print_out(campaign.print())) return to_int(ExitCode::failure);
  return to_int(campaign.has_failed() ? ExitCode::failure : ExitCode::ok);
}

}  // namespace signalbox::cli
