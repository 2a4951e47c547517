#include "http/surfaces/job_events.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

std::string completion(const std::string& text) {
  return R"(data: {"choices":[{"index":0,"text":")" + text + "\"}]}\n\n";
}

constexpr std::string_view done = "data: [DONE]\n\n";

}  // namespace

TEST_CASE("job_events: tokens of completions and chats", "[http]") {
  CHECK(chunk_text(R"({"choices":[{"text":" a"}]})") == " a");
  CHECK(chunk_text(R"({"choices":[{"delta":{"role":"assistant","content":"b"}}]})") == "b");
  CHECK(answer_text(R"({"choices":[{"message":{"content":"c"}},{"message":{"content":"d"}}]})") ==
        "c");
  for (const std::string_view none :
       {"", "{}", "no JSON", R"({"choices":[]})", R"({"choices":[{"delta":{"content":null}}]})",
        R"({"choices":[],"usage":{}})", R"({"choices":7})", R"({"choices":[7]})"}) {
    CAPTURE(none);
    CHECK(chunk_text(none).empty());
    CHECK(answer_text(none).empty());
  }
}

TEST_CASE("job_events: one event for each token, then the end", "[http]") {
  JobEvents events;
  CHECK(events.passed(completion("a") + completion(" b"), 1) == "data: a\n\ndata:  b\n\n");
  CHECK(events.passed(completion("") + completion("x\\ny"), 3) == "data: x\ndata: y\n\n");
  CHECK(events.ended(R"({"choices":[{"text":"a bx\ny"}]})") == done);
}

TEST_CASE("job_events: what is sent again is not told twice", "[http]") {
  JobEvents events;
  CHECK(events.passed(completion("a") + completion("b"), 1) == "data: a\n\ndata: b\n\n");
  CHECK(events.passed(completion("b") + completion("c"), 2) == "data: c\n\n");
}

TEST_CASE("job_events: who came late gets the whole at the end", "[http]") {
  JobEvents events;
  CHECK(events.passed(completion("c"), 3).empty());
  CHECK(events.passed(completion("d"), 4).empty());
  CHECK(events.ended(R"({"choices":[{"text":"abcd"}]})") == "data: abcd\n\n" + std::string{done});
}

TEST_CASE("job_events: an answer without a stream, and none at all", "[http]") {
  CHECK(JobEvents{}.ended(R"({"choices":[{"message":{"content":"hi"}}]})") ==
        "data: hi\n\n" + std::string{done});
  CHECK(JobEvents{}.ended("") == done);
}

TEST_CASE("job_events: a second attempt is for those who saw nothing of the first", "[http]") {
  JobEvents events;
  CHECK(events.start_over());
  CHECK(events.passed(completion("a"), 1) == "data: a\n\n");
  CHECK_FALSE(events.start_over());
}

TEST_CASE("job_events: an error is one event", "[http]") {
  CHECK(job_error_event("{\"error\":\n{}}") == "data: {\"error\": {}}\n\n");
}

}  // namespace signalbox::http
