// Goal: the draws are the same everywhere and have the right law. Method: golden numbers, moments.
#include <catch2/catch.hpp>

#include "simulations/scenario/random.hpp"

namespace signalbox::sim {

TEST_CASE("random: streams are named and repeatable", "[simulations][random]") {
  RandomStream first{1, "arrivals"};
  RandomStream again{1, "arrivals"};
  RandomStream other{1, "service"};
  const auto drawn = first.next();
  CHECK(drawn == again.next());
  CHECK(drawn != other.next());
}

TEST_CASE("random: below() stays below and reaches every value", "[simulations][random]") {
  RandomStream random{3, "below"};
  std::array<int, 7> counts{};
  for (int round = 0; round < 7000; ++round) ++counts.at(random.below(7));
  for (const int count : counts) CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("random: exponential() has its mean and variance", "[simulations][random]") {
  RandomStream random{5, "exponential"};
  const Duration mean = std::chrono::seconds{10};
  double sum = 0;
  double squares = 0;
  constexpr int count = 200'000;
  for (int round = 0; round < count; ++round) {
    const double drawn = to_seconds(random.exponential(mean));
    sum += drawn;
    squares += drawn * drawn;
  }
  CHECK(sum / count == Approx(10).epsilon(0.01));
  CHECK(squares / count == Approx(200).epsilon(0.03));
}

}  // namespace signalbox::sim
