// Goal: an hour of real traffic, replayed, gives the very waits that two unrelated programs have
// computed for it. Method: the public Azure traces of 2023, service of 0.1 s and 0.02 s per token;
// every number is a whole one, and any deviation is a bug. Needs the traces' folder
// (docs/scenarios.md says where they are published).
#include <catch2/catch.hpp>

#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

/// Unit: us.
struct Waits {
  std::int64_t sum = 0;
  std::uint64_t waited = 0;
  std::int64_t p99 = 0;
  std::int64_t max = 0;

  friend bool operator==(const Waits&, const Waits&) = default;
};

std::ostream& operator<<(std::ostream& stream, const Waits& waits) {
  return stream << "{sum " << waits.sum << ", waited " << waits.waited << ", p99 " << waits.p99
                << ", max " << waits.max << "}";
}

Waits waits_of(const sim::RunFigures& figures, Priority priority) {
  const auto& of_class = figures.classes[to_index(priority)];
  CHECK((of_class.wait_sum == of_class.queue_integral));
  CHECK(of_class.done == of_class.submitted);
  return {sim::to_us(of_class.wait_sum), of_class.waited, sim::to_us(of_class.waits.quantile(990)),
          sim::to_us(of_class.waits.max())};
}

/// @returns nothing when there are no traces.
std::optional<sim::RunFigures> replay(const char* scenario) {
  const auto traces = find_traces();
  if (!traces) {
    WARN("skipped: no traces");
    return std::nullopt;
  }
  return run_scenario(load_oracle(scenario), {.traces = *traces});
}

}  // namespace

TEST_CASE("trace oracle T1: conversations, first come first served", "[simulations][trace]") {
  const auto figures = replay("t1");
  if (!figures) return;
  CHECK(waits_of(*figures, Priority::workflow) ==
        Waits{14'962'629'511, 7'925, 8'464'129, 12'415'666});
  CHECK(sim::to_us(figures->length) == 3'509'840'254);
  CHECK(figures->tasks == 19'366);
}

TEST_CASE("trace oracle T2: conversations, the shortest first", "[simulations][trace]") {
  const auto figures = replay("t2");
  if (!figures) return;
  CHECK(waits_of(*figures, Priority::workflow) ==
        Waits{9'380'432'863, 7'718, 8'416'721, 91'727'565});
}

TEST_CASE("trace oracle T3: conversations and code, code first", "[simulations][trace]") {
  const auto figures = replay("t3");
  if (!figures) return;
  CHECK(waits_of(*figures, Priority::workflow) ==
        Waits{12'915'902'463, 5'510, 9'685'268, 13'659'851});
  CHECK(waits_of(*figures, Priority::interactive) ==
        Waits{1'880'873'708, 5'392, 2'190'751, 2'786'348});
  CHECK(figures->tasks == 28'185);
}

TEST_CASE("trace oracle T4: conversations and code, conversations first", "[simulations][trace]") {
  const auto figures = replay("t4");
  if (!figures) return;
  CHECK(waits_of(*figures, Priority::interactive) ==
        Waits{3'110'061'447, 5'709, 2'759'209, 4'700'461});
  CHECK(waits_of(*figures, Priority::workflow) ==
        Waits{77'534'323'544, 5'488, 58'784'867, 60'587'105});
}

}  // namespace signalbox::testing
