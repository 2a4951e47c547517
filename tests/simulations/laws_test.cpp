// Goal: draws have the law that was asked for, and depend on nothing but seed and name. Method:
// means and extremes over many draws, fixed values for the rest.
#include <catch2/catch.hpp>
#include <cmath>

#include "simulations/scenario/laws.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("law: constant is constant", "[simulations][laws]") {
  sim::RandomStream random{1, "sizes"};
  const sim::Law law{sim::LawKind::constant, 42};
  for (int draw = 0; draw < 10; ++draw) CHECK(law.draw(random) == 42);
}

TEST_CASE("law: uniform takes every value of its span and no other", "[simulations][laws]") {
  sim::RandomStream random{1, "sizes"};
  const sim::Law law{sim::LawKind::uniform, 3, 7};
  std::array<int, 10> seen{};
  for (int draw = 0; draw < 10'000; ++draw) ++seen.at(static_cast<std::size_t>(law.draw(random)));
  for (std::size_t value = 0; value < seen.size(); ++value) {
    if (value < 3 || value > 7) {
      CHECK(seen[value] == 0);
    } else {
      // 2,000 expected; 40 is the standard deviation.
      CHECK(std::abs(seen[value] - 2'000) < 200);
    }
  }
}

TEST_CASE("law: exponential has its mean", "[simulations][laws]") {
  sim::RandomStream random{1, "sizes"};
  const sim::Law law{sim::LawKind::exponential, 1'000'000};
  double sum = 0;
  constexpr int draws = 100'000;
  for (int draw = 0; draw < draws; ++draw) sum += static_cast<double>(law.draw(random));
  CHECK(std::abs(sum / draws - 1e6) < 4 * 1e6 / std::sqrt(draws));
}

TEST_CASE("service law: time per token is added to the base", "[simulations][laws]") {
  const sim::ServiceLaw law{{sim::LawKind::constant, 100'000'000}, 1ms, 20ms};
  CHECK(law.draw({.tokens_in = 10, .tokens_out = 3, .service_seed = 1}) == 170ms);
}

TEST_CASE("service law: a call takes as long whenever it is asked", "[simulations][laws]") {
  const sim::ServiceLaw law{{sim::LawKind::exponential, 1'000'000'000}, {}, {}};
  const sim::CallSize call{.service_seed = 99};
  CHECK(law.draw(call) == law.draw(call));
  CHECK(law.draw(call) != law.draw({.service_seed = 100}));
}

}  // namespace signalbox::testing
