// Goal: numbers are stored and words are sent, so neither may ever change. Method: a golden list,
// to be added to and never edited; everything else about Error in passing.
#include "core/base/error.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

namespace signalbox::test {
namespace {

// The index is the number.
const std::vector<std::string> golden_words{"none",
                                            "queue_full",
                                            "queue_wait_timeout",
                                            "inference_timeout",
                                            "no_backend",
                                            "wake_failed",
                                            "wake_timeout",
                                            "backend_unreachable",
                                            "backend_error",
                                            "backend_stream_failed",
                                            "worker_lost",
                                            "task_cancelled",
                                            "task_expired",
                                            "model_not_found",
                                            "llm_not_found",
                                            "agent_not_found",
                                            "task_not_found",
                                            "slot_not_found",
                                            "session_not_found",
                                            "profile_not_found",
                                            "job_not_found",
                                            "name_conflict",
                                            "invalid_json",
                                            "invalid_request",
                                            "invalid_priority",
                                            "unauthorized",
                                            "forbidden",
                                            "draining",
                                            "store_full",
                                            "store_failed",
                                            "method_not_allowed",
                                            "body_too_large",
                                            "unsupported_media_type",
                                            "not_found",
                                            "idempotency_key_reused",
                                            "stale_claim",
                                            "forbidden_host",
                                            "await_timeout"};

}  // namespace

TEST_CASE("error: every code has its number and its word for good", "[core][error]") {
  REQUIRE(golden_words.size() == std::size_t{error_code_max} + 1);
  for (std::size_t number = 0; number < golden_words.size(); ++number) {
    CHECK(to_string(static_cast<ErrorCode>(number)) == golden_words[number]);
  }
  CHECK(static_cast<int>(ErrorCode::none) == 0);
  CHECK(static_cast<int>(ErrorCode::worker_lost) == 10);
  CHECK(static_cast<int>(ErrorCode::await_timeout) == 37);
}

TEST_CASE("error: every word comes back as its code, and no word means two", "[core][error]") {
  std::set<std::string> words;
  for (std::size_t number = 1; number < golden_words.size(); ++number) {
    CHECK(parse_error_code(golden_words[number]) == static_cast<ErrorCode>(number));
    CHECK(words.insert(golden_words[number]).second);
  }
  for (const auto* word : {"", "Queue_full", "queue_full ", "queue", "ok", "1"}) {
    INFO(word);
    CHECK_FALSE(parse_error_code(word));
  }
}

TEST_CASE("error: the builders set what they say and keep the order of details", "[core][error]") {
  const Error error = make_error(ErrorCode::queue_full, "full")
                          .with("profile", std::string{"p"})
                          .with("max_queued", std::int64_t{3})
                          .at_param("model")
                          .retry_after(2.5);
  CHECK(error.code == ErrorCode::queue_full);
  CHECK(error.message == "full");
  CHECK(error.param == "model");
  CHECK(error.retry_after_s == 2.5);
  REQUIRE(error.details.size() == 2);
  CHECK(error.details[0].first == "profile");
  CHECK(error.details[1] == std::pair<std::string, DetailValue>{"max_queued", std::int64_t{3}});
  CHECK_FALSE(error.from_backend);
  CHECK(error.backend_status == 0);
}

TEST_CASE("error: a result is a value or an error", "[core][error]") {
  const Result<int> good = 4;
  const Result<int> bad = make_error(ErrorCode::draining, "going");
  CHECK(good.has_value());
  CHECK(*good == 4);
  REQUIRE(bad.has_error());
  CHECK(bad.error().code == ErrorCode::draining);
}

TEST_CASE("error: the backend's status, passed on or told", "[core][error]") {
  Error error = make_error(ErrorCode::backend_error, "no");
  CHECK(backend_status_of(error) == 0);
  error.details.emplace_back("stage", std::string{"submit"});
  error.details.emplace_back("backend_status", std::int64_t{503});
  CHECK(backend_status_of(error) == 503);
  error.backend_status = 404;
  CHECK(backend_status_of(error) == 404);
}

}  // namespace signalbox::test
