#include "simulations/figures/figures.hpp"

#include <fmt/format.h>

namespace signalbox::sim {
namespace {

constexpr const char* class_columns =
    "class,submitted,done,rejected,queue_timeouts,run_timeouts,failed,cancelled,waited,"
    "wait_mean_us,wait_p50_us,wait_p95_us,wait_p99_us,wait_max_us,wait_sum_us,queue_integral_us\n";

/// @returns seconds with three decimals, rounded.
std::string in_seconds(std::int64_t us) {
  const std::int64_t ms = (us + 500) / 1000;
  return fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

std::string print_class_row(std::string_view name, const ClassFigures& figures) {
  const auto seconds = [](Duration wait) { return in_seconds(to_us(wait)); };
  return fmt::format("{:<12} {:>9} {:>9} {:>8} {:>8} {:>7} {:>9} {:>11} {:>9} {:>9} {:>9} {:>9}\n",
                     name, figures.submitted, figures.done, figures.rejected,
                     figures.queue_timeouts + figures.run_timeouts,
                     figures.failed + figures.cancelled, figures.waited,
                     seconds(figures.mean_wait()), seconds(figures.waits.quantile(500)),
                     seconds(figures.waits.quantile(950)), seconds(figures.waits.quantile(990)),
                     seconds(figures.waits.max()));
}

}  // namespace

std::int64_t to_us(TaskTime time) {
  return static_cast<std::int64_t>(time / 1000);
}

Duration ClassFigures::mean_wait() const {
  if (done == 0) return Duration::zero();
  return Duration{static_cast<std::int64_t>(done_wait_sum / static_cast<TaskTime>(done))};
}

std::uint32_t utilisation(const ProfileFigures& profile, Duration length) {
  const TaskTime room = static_cast<TaskTime>(length.count()) * profile.slots;
  return room == 0 ? 0 : static_cast<std::uint32_t>(profile.busy_integral * 10'000 / room);
}

namespace {

std::string print_slots(const RunFigures& figures) {
  std::string text = fmt::format("slots of apps {}:", figures.slots);
  for (std::size_t index = 0; index < call_status_count; ++index) {
    if (figures.slot_ends[index] == 0) continue;
    text +=
        fmt::format(" {} {}", figures.slot_ends[index], to_string(static_cast<CallStatus>(index)));
  }
  return text + "\n";
}

}  // namespace

std::string print_summary(const RunFigures& figures) {
  std::string text =
      fmt::format("scenario {}  seed {}  tasks {}  length {} s\n\n", figures.scenario, figures.seed,
                  figures.tasks, in_seconds(to_us(figures.length)));
  text += fmt::format("{:<12} {:>9} {:>9} {:>8} {:>8} {:>7} {:>9} {:>11} {:>9} {:>9} {:>9} {:>9}\n",
                      "CLASS", "SUBMITTED", "DONE", "REJECTED", "TIMEOUTS", "FAILED", "WAITED",
                      "WAIT MEAN s", "P50", "P95", "P99", "MAX");
  bool is_exact = true;
  TaskTime waits = 0;
  TaskTime integral = 0;
  TaskTime wasted = 0;
  std::uint64_t returns = 0;
  for (const Priority priority : all_priorities) {
    const ClassFigures& figures_of_class = figures.classes[to_index(priority)];
    waits += figures_of_class.wait_sum;
    integral += figures_of_class.queue_integral;
    wasted += figures_of_class.wasted_sum;
    returns += figures_of_class.attempts - figures_of_class.had_slot;
    is_exact = is_exact && figures_of_class.waits.is_exact();
    if (figures_of_class.submitted == 0) continue;
    text += print_class_row(to_string(priority), figures_of_class);
  }
  text += "\n";
  for (const ProfileFigures& profile : figures.profiles) {
    const std::uint32_t share = utilisation(profile, figures.length);
    const std::string at_end =
        profile.slots_at_end ? fmt::format("{} at the end of at most ", *profile.slots_at_end) : "";
    text += fmt::format("profile {}: {}{} slots, {}.{:02} % in use\n", profile.name, at_end,
                        profile.slots, share / 100, share % 100);
  }
  text += fmt::format("sum of waits {} us, integral of the queue {} us\n", to_us(waits),
                      to_us(integral));
  if (returns > 0) {
    text += fmt::format("calls that were done went back {} times, which lost {} s of work\n",
                        returns, in_seconds(to_us(wasted)));
  }
  if (figures.repeats > 0 || figures.given_up > 0) {
    text += fmt::format("{} of these calls were made before, {} were given up\n", figures.repeats,
                        figures.given_up);
  }
  if (figures.slots > 0) text += print_slots(figures);
  if (!is_exact)
    text += "quantiles of more than 1048576 waits are rounded up by less than 0.05 %\n";
  if (figures.swaps > 0) text += fmt::format("models loaded {} times\n", figures.swaps);
  text += fmt::format("messages {}\n{}trace {:016x}\n", figures.messages, print_blocks(figures),
                      figures.trace_hash);
  return text;
}

std::string print_blocks(const RunFigures& figures) {
  std::string text;
  std::uint64_t events = 0;
  for (const std::uint64_t hash : figures.block_hashes) {
    events += figures.hash_every;
    text += fmt::format("trace {:016x} after {} events\n", hash, events);
  }
  return text;
}

std::string print_classes(const RunFigures& figures) {
  std::string text = class_columns;
  for (const Priority priority : all_priorities) {
    const ClassFigures& row = figures.classes[to_index(priority)];
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", to_string(priority),
                        row.submitted, row.done, row.rejected, row.queue_timeouts, row.run_timeouts,
                        row.failed, row.cancelled, row.waited, to_us(row.mean_wait()),
                        to_us(row.waits.quantile(500)), to_us(row.waits.quantile(950)),
                        to_us(row.waits.quantile(990)), to_us(row.waits.max()), to_us(row.wait_sum),
                        to_us(row.queue_integral));
  }
  return text;
}

}  // namespace signalbox::sim
