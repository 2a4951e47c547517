// Goal: the statuses of mission A9, and which error shows as which. Method: golden lists over all
// codes.
#include "core/calls/call_row.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <vector>

namespace signalbox::test {

TEST_CASE("call_row: the eight statuses of A9 have their words and numbers, both ways",
          "[core][call_row]") {
  const std::vector<std::string> words{
      "queued", "running",  "ok", "queue_full", "queue_wait_timeout", "inference_timeout",
      "error",  "cancelled"};
  for (std::size_t number = 0; number < words.size(); ++number) {
    const auto status = static_cast<CallStatus>(number);
    CHECK(to_string(status) == words[number]);
    CHECK(parse_call_status(words[number]) == status);
  }
  for (const auto* word : {"", "OK", "ok ", "cancel", "claimed", "none"}) {
    CHECK_FALSE(parse_call_status(word));
  }
}

TEST_CASE("call_row: only five codes have a status of their own, all others show as error",
          "[core][call_row]") {
  const std::map<ErrorCode, CallStatus> own{
      {ErrorCode::none, CallStatus::ok},
      {ErrorCode::queue_full, CallStatus::queue_full},
      {ErrorCode::queue_wait_timeout, CallStatus::queue_wait_timeout},
      {ErrorCode::inference_timeout, CallStatus::inference_timeout},
      {ErrorCode::task_cancelled, CallStatus::cancelled}};
  for (std::uint8_t number = 0; number <= error_code_max; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    const auto place = own.find(code);
    INFO(to_string(code));
    CHECK(call_status_for(code) == (place == own.end() ? CallStatus::error : place->second));
  }
}

TEST_CASE("call_row: a fresh row is queued and knows no durations", "[core][call_row]") {
  const CallRow row;
  CHECK(row.status == CallStatus::queued);
  CHECK(row.queue_wait_ms < 0);
  CHECK(row.service_time_ms < 0);
  CHECK(row.total_latency_ms < 0);
}

}  // namespace signalbox::test
