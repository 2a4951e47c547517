#include "cli/sim/sim_shrink.hpp"

#include <chrono>
#include <cstdio>

#include "cli/build_name.hpp"
#include "cli/client/failure.hpp"
#include "cli/client/output.hpp"
#include "cli/sim/run_apart.hpp"
#include "cli/sim/sim_files.hpp"
#include "simulations/campaign/campaign.hpp"
#include "simulations/campaign/draw_scenario.hpp"
#include "simulations/campaign/shrink.hpp"
#include "simulations/scenario/scenario_writer.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// What a run may take; one that takes longer hangs. A drawn scenario takes well below a second.
constexpr std::chrono::seconds run_patience{30};

/// The run's failure by a name that is the same wherever it happens: the invariant, or where the
/// process died. @param is_repeated it is run twice, and has to do the same again.
std::optional<std::string> find_failure(const sim::Scenario& scenario, bool is_repeated) {
  const ApartResult run = run_apart(
      [&] {
        const auto violation = sim::run_checked(scenario, is_repeated).violation;
        return violation ? "I" + std::to_string(violation->invariant) : std::string{};
      },
      run_patience);
  switch (run.ending) {
    case ApartResult::Ending::told:
      // I0 is a scenario that cannot be run.
      if (run.text.empty() || run.text == "I0") return std::nullopt;
      return run.text;
    case ApartResult::Ending::died:
      return "crash: " + run.text.substr(0, run.text.find('\n'));
    case ApartResult::Ending::late:
      return "it never ends";
  }
  return std::nullopt;
}

std::string counted(std::uint64_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string describe(const sim::ScenarioSize& size) {
  return counted(size.calls, "call") + " of " + counted(size.clients, "client") + ", " +
         counted(size.backends, "backend") + ", " + counted(size.profiles, "profile") + ", " +
         counted(size.faults, "fault");
}

Outcome<sim::Scenario> take_scenario(const ShrinkOptions& options) {
  if (options.seed) return sim::draw_scenario(*options.seed, options.tasks);
  return load_scenario(options.file);
}

std::string print(const sim::Scenario& before, const sim::Shrunk& shrunk,
                  const ShrinkOptions& options) {
  std::string text = shrunk.failure + " fails with " +
                     describe(sim::measure(before, options.traces)) + "\nand still with   " +
                     describe(sim::measure(shrunk.scenario, options.traces)) + "\n";
  text += counted(shrunk.tries, "run");
  text += shrunk.is_minimal ? ": nothing more can be taken away\n" : ", then time was up\n";
  return text + "  signalbox sim " + options.out + " --check\n";
}

}  // namespace

int run_shrink(const ShrinkOptions& options) {
  const auto scenario = take_scenario(options);
  if (scenario.has_error()) return report(scenario.error());
  const auto began = Clock::now();
  sim::ShrinkLimits limits;
  limits.traces = options.traces;
  limits.is_over = [&] { return Clock::now() - began >= std::chrono::seconds{options.seconds}; };
  const auto failure = find_failure(*scenario, true);
  // Half the time for all failures but one.
  const bool is_repeated = failure == "I15";
  const auto shrunk = sim::shrink(
      *scenario, [&](const sim::Scenario& each) { return find_failure(each, is_repeated); },
      limits);
  if (!shrunk) return report({ExitCode::failure, "nothing fails in this scenario"});
  std::fprintf(stderr, "%.2f s\n", std::chrono::duration<double>(Clock::now() - began).count());
  const std::string head = "# " + shrunk->failure + " fails in signalbox " + build_name() +
                           ":\n#   signalbox sim " + options.out + " --check\n";
  if (!write_file(options.out, head + sim::write_scenario(shrunk->scenario))) {
    return report({ExitCode::failure, "cannot write " + options.out});
  }
  return to_int(print_out(print(*scenario, *shrunk, options)) ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli
