// Goal: what is tried again, and when (http-api 8.6). Method: the whole table of conditions; the
// back-off spelt out.
#include "core/tasks/attempts.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

namespace signalbox::test {

TEST_CASE("attempts: tried again only when retryable, unread and with attempts left",
          "[core][attempts]") {
  for (const std::uint32_t max_attempts : {0U, 1U, 3U}) {
    for (std::uint32_t attempts = 0; attempts <= 4; ++attempts) {
      for (const bool is_retryable : {false, true}) {
        for (const bool has_reader : {false, true}) {
          bool is_right = is_retryable;
          if (has_reader) is_right = false;
          if (attempts >= max_attempts) is_right = false;
          INFO(attempts << " of " << max_attempts << " " << is_retryable << has_reader);
          CHECK(should_retry({attempts, max_attempts, is_retryable, has_reader}) == is_right);
        }
      }
    }
  }
}

TEST_CASE("attempts: unless said otherwise there are three", "[core][attempts]") {
  FailedAttempt failed;
  failed.is_retryable = true;
  failed.attempts = 2;
  CHECK(should_retry(failed));
  failed.attempts = 3;
  CHECK_FALSE(should_retry(failed));
}

TEST_CASE("attempts: the pause doubles from 100 ms and stops at 5 s", "[core][attempts]") {
  const std::vector<std::int64_t> expected_ms{100,  100,  200,  400,  800,
                                              1600, 3200, 5000, 5000, 5000};
  for (std::uint32_t attempts = 0; attempts < expected_ms.size(); ++attempts) {
    CHECK(to_ms(back_off(attempts)) == expected_ms[attempts]);
  }
  for (const std::uint32_t attempts :
       {32U, 33U, 64U, 65U, std::numeric_limits<std::uint32_t>::max()}) {
    CHECK(to_ms(back_off(attempts)) == 5000);
  }
}

}  // namespace signalbox::test
