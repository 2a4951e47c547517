// Goal: predictions come from the right past, in whole numbers, and the past stays bounded.
// Method: literal cases; a stream of owners longer than what is kept.
#include "core/policies/size_predictor.hpp"

#include <catch2/catch.hpp>

namespace signalbox::test {

TEST_CASE("size_predictor: what is said holds until something has been learnt",
          "[core][size_predictor]") {
  const SizePredictor predictor;
  CHECK(predictor.predict(1, 2, {100, 0}) == assumed_tokens_out);
  CHECK(predictor.predict(1, 2, {100, 7}) == 7);
  CHECK(predictor.predict(1, 2, {100, 0xFFFF'FFFF}) == 0xFFFF'FFFF);
}

TEST_CASE("size_predictor: a call that took all it said leaves predictions as they are",
          "[core][size_predictor]") {
  SizePredictor predictor;
  for (const std::uint32_t tokens : {1U, 999U, 1'000'000U, 0xFFFF'FFFFU}) {
    predictor.learn(1, 2, {0, tokens}, tokens);
    CHECK(predictor.predict(1, 2, {0, tokens}) == tokens);
    CHECK(predictor.predict(1, 2, {0, 12'345}) == 12'345);
  }
}

TEST_CASE("size_predictor: the share that was used is learnt, the newest call weighs an eighth",
          "[core][size_predictor]") {
  SizePredictor predictor;
  predictor.learn(1, 2, {0, 1000}, 250);
  CHECK(predictor.predict(1, 2, {0, 4000}) == 1000);
  predictor.learn(1, 2, {0, 1000}, 650);
  CHECK(predictor.predict(1, 2, {0, 1000}) == 300);
  // More than was asked for counts as all of it, nothing as little.
  for (int count = 0; count < 200; ++count) predictor.learn(1, 2, {0, 10}, 5000);
  CHECK(predictor.predict(1, 2, {0, 1000}) == 1000);
  for (int count = 0; count < 200; ++count) predictor.learn(1, 2, {0, 10}, 0);
  CHECK(predictor.predict(1, 2, {0, 1000}) == 1);
}

TEST_CASE("size_predictor: calls that say nothing have a mean of their own",
          "[core][size_predictor]") {
  SizePredictor predictor;
  predictor.learn(1, 2, {}, 80);
  CHECK(predictor.predict(1, 2, {}) == 80);
  predictor.learn(1, 2, {}, 160);
  CHECK(predictor.predict(1, 2, {}) == 90);
  predictor.learn(1, 2, {0, 1000}, 1);
  CHECK(predictor.predict(1, 2, {}) == 90);
}

TEST_CASE("size_predictor: one's own past goes before that of all who use the target",
          "[core][size_predictor]") {
  SizePredictor predictor;
  predictor.learn(1, 2, {}, 80);
  predictor.learn(3, 2, {}, 160);
  CHECK(predictor.predict(1, 2, {}) == 80);
  CHECK(predictor.predict(3, 2, {}) == 160);
  CHECK(predictor.predict(9, 2, {}) == 90);
  CHECK(predictor.predict(1, 9, {}) == assumed_tokens_out);
  predictor.forget(1);
  CHECK(predictor.predict(1, 2, {}) == 90);
  CHECK(predictor.predict(3, 2, {}) == 160);
}

TEST_CASE("size_predictor: the past is bounded, and what is fresh is kept",
          "[core][size_predictor]") {
  SizePredictor predictor;
  for (std::uint32_t owner = 0; owner < 20'000; ++owner) {
    predictor.learn(owner, owner % 3, {}, owner + 1);
    REQUIRE(predictor.size() <= predictions_kept);
    REQUIRE(predictor.predict(owner, owner % 3, {}) == owner + 1);
    if (owner > 1000)
      REQUIRE(predictor.predict(owner - 1000, (owner - 1000) % 3, {}) == owner - 999);
  }
}

}  // namespace signalbox::test
