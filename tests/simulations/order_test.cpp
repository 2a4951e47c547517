// Goal: calls for the models of one server are granted in the order of their arrival, however many
// models it has and whatever the profile's slots are. Method: an overloaded server that runs one
// call at a time, so that calls end in the order in which they were granted.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

class Ends final : public sim::RunObserver {
 public:
  void ended(const sim::EndedTask& task) override { x_tasks.push_back(task); }
  void sampled(std::uint64_t, const sim::LineState&) override {}

  /// @returns how many ended after one that had come later.
  [[nodiscard]] std::size_t inversions() const {
    std::size_t found = 0;
    Duration latest{};
    for (const sim::EndedTask& task : x_tasks) {
      if (task.arrived_at < latest) ++found;
      latest = std::max(latest, task.arrived_at);
    }
    return found;
  }
  [[nodiscard]] std::size_t size() const { return x_tasks.size(); }

 private:
  std::vector<sim::EndedTask> x_tasks;
};

std::string three_models(const std::string& slots) {
  std::string text =
      "version: 1\ntasks: 600\nprofiles: {line: {max_concurrent: " + slots +
      ", max_queued: 10000, default_queue_wait_s: 86400}}\nbackends:\n"
      "  - {name: gpu, capacity: 1, models: [a, b, c], service: {law: exp, mean_s: 2}}\nclients:\n";
  for (const std::string model : {"a", "b", "c"}) {
    text += "  - {name: " + model + ", class: workflow, profile: line, model: " + model +
            ", arrival: {law: poisson, rate_per_s: 0.2}}\n";
  }
  return text;
}

}  // namespace

TEST_CASE("order: a server's models are one line", "[simulations][order]") {
  for (const char* const slots : {"1", "2", "8"}) {
    const auto scenario = read_whole_scenario(three_models(slots));
    for (const std::uint64_t schedule : {0ULL, 5ULL}) {
      Ends ends;
      run_scenario(scenario, {.seed = 3, .schedule_seed = schedule, .observer = &ends});
      INFO(slots << " slots, schedule " << schedule);
      CHECK(ends.size() == 600);
      CHECK(ends.inversions() == 0);
    }
  }
}

}  // namespace signalbox::testing
