#include "cli/sim/sim_fuzz.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/build_name.hpp"
#include "cli/client/failure.hpp"
#include "cli/client/output.hpp"
#include "cli/sim/seed_workers.hpp"
#include "cli/sim/sim_files.hpp"
#include "cli/sim/stop_signals.hpp"
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

int write_drawn(const FuzzOptions& options) {
  const auto drawn = sim::draw_scenario(options.first_seed, options.tasks);
  if (!write_file(options.out, sim::write_scenario(drawn))) {
    return report({ExitCode::failure, "cannot write " + options.out});
  }
  return to_int(print_out("signalbox sim " + options.out + " --check\n") ? ExitCode::ok
                                                                         : ExitCode::failure);
}

/// What failed is told at once: the rest may take hours.
void tell(const sim::Campaign& campaign, const sim::SeedFailure& failure) {
  if (campaign.failures() > sim::failures_shown) return;
  std::fputs(campaign.print(failure).c_str(), stderr);
  if (campaign.failures() == sim::failures_shown) {
    std::fputs("further failures are only counted\n", stderr);
  }
}

ExitCode judge(const sim::Campaign& campaign, bool is_stopped) {
  if (campaign.has_failed()) return ExitCode::failure;
  return is_stopped ? ExitCode::interrupted : ExitCode::ok;
}

}  // namespace

int run_fuzz(const FuzzOptions& options) {
  if (!options.out.empty()) return write_drawn(options);
  const bool is_watched = isatty(STDERR_FILENO) == 1;
  const auto began = Clock::now();
  sim::Campaign campaign{options.tasks, build_name()};
  SeedListener listener;
  listener.figures = [&](const sim::SeedFigures& figures) {
    campaign.add(figures);
    if (is_watched) {
      std::fprintf(stderr, "\r%llu seeds", static_cast<unsigned long long>(campaign.seeds()));
    }
  };
  listener.failure = [&](const sim::SeedFailure& failure) {
    campaign.fail(failure);
    if (is_watched) std::fputs("\r", stderr);
    tell(campaign, failure);
  };
  SeedOrder order;
  order.seeds = {options.first_seed, options.last_seed};
  order.jobs = options.jobs.value_or(processors());
  order.patience = std::chrono::seconds{options.patience_s};
  order.run = [tasks = options.tasks](std::uint64_t seed) { return sim::run_seed(seed, tasks); };
  const StopSignals signals;
  order.stop_file = signals.file();
  const SeedsEnd end = run_seeds(order, listener);
  if (is_watched) std::fputs("\r", stderr);
  if (!end.error.empty()) return report({ExitCode::failure, end.error});
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::fprintf(stderr, "%.2f s: %.0f tasks/s\n", seconds,
               static_cast<double>(campaign.sums().tasks) / std::max(seconds, 1e-9));
  std::string text = campaign.print();
  if (end.is_stopped) {
    text += "stopped after " + std::to_string(campaign.seeds()) + " of " +
            std::to_string(options.last_seed - options.first_seed + 1) + " seeds\n";
  }
  if (!print_out(text)) return to_int(ExitCode::failure);
  return to_int(judge(campaign, end.is_stopped));
}

}  // namespace signalbox::cli
