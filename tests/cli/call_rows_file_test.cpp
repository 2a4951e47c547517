// Goal: what `get calls -o jsonl` prints is read back, and nothing else is taken for it. Method:
// rows as the daemon renders them, and slips.
#include "cli/sim/call_rows_file.hpp"

#include <catch2/catch.hpp>

#include "http/front/render.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

using namespace std::chrono_literals;

constexpr WallTime noon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 12h;

CallRow ended_row() {
  CallRow row;
  row.profile = "openai_compat:m";
  row.priority = Priority::background;
  row.pool = "pool";
  row.backend = "m";
  row.owner = "ann";
  row.status = CallStatus::ok;
  row.queued_at = noon;
  row.admitted_at = noon + 250ms;
  row.finished_at = noon + 2s;
  row.queue_wait_ms = 250.125;
  row.service_time_ms = 1749.5;
  row.tokens = {100, 20};
  return row;
}

std::string line_of(const CallRow& row) {
  http::JsonWriter json;
  http::write_call(json, row);
  return std::move(json).take() + "\n";
}

std::string problem(const std::string& text) {
  const auto read = read_call_rows(text, "f");
  REQUIRE(read.has_error());
  return read.error().message;
}

}  // namespace

TEST_CASE("call rows: what the daemon renders is read back", "[cli][call_rows]") {
  const auto read = read_call_rows(line_of(ended_row()) + "\n" + line_of(ended_row()), "f");
  REQUIRE(read.has_value());
  REQUIRE(read->calls.size() == 2);
  CHECK(read->skipped == 0);
  const sim::RecordedCall& call = read->calls.front();
  CHECK(call.queued_at == noon.time_since_epoch());
  CHECK(call.service == 1'749'500us);
  CHECK(call.admitted_at == (noon + 250ms).time_since_epoch());
  CHECK(call.priority == Priority::background);
  CHECK(call.profile == "openai_compat:m");
  CHECK(call.owner == "ann");
  CHECK(call.target == "pool");
  CHECK(call.tokens_in == 100);
  CHECK(call.tokens_out == 20);
}

TEST_CASE("call rows: calls without a service time are counted, not invented", "[cli][call_rows]") {
  CallRow refused = ended_row();
  refused.service_time_ms = -1;
  CallRow running = ended_row();
  running.finished_at = WallTime{};
  const auto read = read_call_rows(line_of(refused) + line_of(running), "f");
  REQUIRE(read.has_value());
  CHECK(read->calls.empty());
  CHECK(read->skipped == 2);
}

TEST_CASE("call rows: another file is told from one", "[cli][call_rows]") {
  const std::string suffix = ": this is no call row of `signalbox get calls -o jsonl`";
  CHECK(problem("{}\n") == "f:1" + suffix);
  CHECK(problem(line_of(ended_row()) + "PROFILE STATUS\n") == "f:2" + suffix);
  CHECK(problem("[1,2]") == "f:1" + suffix);
  CHECK(problem(R"({"profile":"p","priority":"urgent","queued_at":"2026-11-21T12:00:00.000Z"})") ==
        "f:1" + suffix);
  CHECK(problem(R"({"profile":"p","priority":"workflow","queued_at":"noon"})") == "f:1" + suffix);
  const auto empty = read_call_rows("", "f");
  REQUIRE(empty.has_value());
  CHECK(empty->calls.empty());
}

}  // namespace signalbox::cli
