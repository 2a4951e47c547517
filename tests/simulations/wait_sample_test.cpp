// Goal: quantiles are the nearest ranks, exact as long as every wait is held, and within the stated
// share once they are counted. Method: known sets, and sorting as the oracle.
#include <algorithm>
#include <catch2/catch.hpp>

#include "simulations/figures/wait_sample.hpp"
#include "simulations/scenario/random.hpp"

namespace signalbox::testing {

TEST_CASE("wait sample: nearest ranks of a known set", "[simulations][wait_sample]") {
  sim::WaitSample sample;
  CHECK(sample.quantile(500) == Duration::zero());
  for (int value = 100; value >= 1; --value) sample.add(Duration{value});
  CHECK(sample.quantile(1) == Duration{1});
  CHECK(sample.quantile(500) == Duration{50});
  CHECK(sample.quantile(501) == Duration{51});
  CHECK(sample.quantile(990) == Duration{99});
  CHECK(sample.quantile(1000) == Duration{100});
  CHECK(sample.max() == Duration{100});
  // What comes after a question is seen by the next.
  sample.add(Duration{0});
  CHECK(sample.quantile(1) == Duration{0});
}

TEST_CASE("wait sample: two together are one of both, exact or counted",
          "[simulations][wait_sample]") {
  sim::WaitSample low;
  sim::WaitSample high;
  for (int value = 1; value <= 50; ++value) low.add(Duration{value});
  for (int value = 100; value > 50; --value) high.add(Duration{value});
  low.add(high);
  CHECK(low.count() == 100);
  CHECK(low.quantile(500) == Duration{50});
  CHECK(low.quantile(510) == Duration{51});
  CHECK(low.max() == Duration{100});
  sim::WaitSample many;
  for (std::size_t index = 0; index < sim::WaitSample::exact_max; ++index) many.add(Duration{7});
  sim::WaitSample few = high;
  few.add(many);
  CHECK_FALSE(few.is_exact());
  CHECK(few.count() == sim::WaitSample::exact_max + 50);
  CHECK(few.quantile(1) == Duration{7});
  CHECK(few.quantile(1000) == Duration{100});
  many.add(high);
  CHECK(many.quantile(1000) == Duration{100});
  CHECK(many.quantile(500) == Duration{7});
}

TEST_CASE("wait sample: beyond what it holds it errs upwards by less than 1 in 2,048",
          "[simulations][wait_sample]") {
  sim::WaitSample sample;
  sim::RandomStream random{1, "waits"};
  std::vector<Duration> waits;
  for (std::size_t index = 0; index <= sim::WaitSample::exact_max; ++index) {
    const bool is_short = index % 7 == 0;
    waits.push_back(random.exponential(Duration{is_short ? 1'000 : 3'000'000'000}));
    sample.add(waits.back());
    if (index + 1 == sim::WaitSample::exact_max) CHECK(sample.is_exact());
  }
  CHECK_FALSE(sample.is_exact());
  std::sort(waits.begin(), waits.end());
  CHECK(sample.max() == waits.back());
  for (const std::uint32_t per_mille : {1U, 10U, 100U, 143U, 500U, 950U, 990U, 999U, 1000U}) {
    const Duration exact = waits[(waits.size() * per_mille + 999) / 1000 - 1];
    const Duration counted = sample.quantile(per_mille);
    INFO(per_mille);
    CHECK(counted >= exact);
    CHECK((counted - exact) * 2'048 <= exact);
  }
}

}  // namespace signalbox::testing
