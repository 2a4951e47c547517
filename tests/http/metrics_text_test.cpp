// Goal: the text has exactly the contract's names, with figures that are those of the input, and
// labels that are bounded. Method: literal lines.
#include "http/surfaces/metrics_text.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

namespace signalbox::http {
namespace {

actors::ProfileStatus profile(const std::string& name, std::uint32_t slots, std::uint32_t in_use) {
  actors::ProfileStatus status;
  status.name = name;
  status.occupancy.slots = slots;
  status.occupancy.in_flight = in_use;
  status.occupancy.waiting = {1, 2, 3};
  status.occupancy.preempted_total = 7;
  return status;
}

MetricsInput input() {
  CallMetrics calls;
  CallRow row;
  row.profile = "chat";
  row.priority = Priority::interactive;
  row.status = CallStatus::ok;
  row.backend = "qwen \"3\"\\x";
  row.queue_wait_ms = 30;
  row.service_time_ms = 700'000;
  calls.observe(row);
  MetricsInput made;
  made.figures.calls = std::make_shared<const CallMetrics>(calls);
  made.figures.commits.observe(0.002);
  made.profiles = {profile("chat", 4, 2)};
  made.workers = {1, 2, 3};
  made.tasks = {10, 0, 1, 200, 3, 4};
  made.relay.observe(0.0003);
  made.version = "1.2.3";
  return made;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("metrics_text: names and figures", "[http][metrics_text]") {
  const std::string text = metrics_text(input());
  for (
      const char* line : {
          R"(signalbox_queue_wait_seconds_bucket{profile="chat",priority="interactive",le="0.025"} 0)",
          R"(signalbox_queue_wait_seconds_bucket{profile="chat",priority="interactive",le="0.05"} 1)",
          R"(signalbox_queue_wait_seconds_count{profile="chat",priority="interactive"} 1)",
          R"(signalbox_service_seconds_bucket{profile="chat",llm="qwen \"3\"\\x",le="600"} 0)",
          R"(signalbox_service_seconds_bucket{profile="chat",llm="qwen \"3\"\\x",le="+Inf"} 1)",
          R"(signalbox_calls_total{outcome="ok"} 1)",
          R"(signalbox_calls_total{outcome="cancelled"} 0)",
          R"(signalbox_slots{profile="chat"} 4)",
          R"(signalbox_slots_in_use{profile="chat"} 2)",
          R"(signalbox_waiting{profile="chat",priority="background"} 3)",
          R"(signalbox_preemptions_total{profile="chat"} 7)",
          R"(signalbox_tasks{status="completed"} 200)",
          R"(signalbox_workers{state="active"} 2)",
          R"(signalbox_relay_seconds_bucket{le="0.0005"} 1)",
          R"(signalbox_store_commit_seconds_count 1)",
          R"(signalbox_build_info{version="1.2.3"} 1)",
      }) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("metrics_text: the families are the contract's", "[http][metrics_text]") {
  std::set<std::string> names;
  std::istringstream lines{metrics_text(input())};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) names.insert(line.substr(7, line.find(' ', 7) - 7));
  }
  // A family without a series has no lines at all: no first token was seen.
  CHECK(names == std::set<std::string>{"signalbox_queue_wait_seconds", "signalbox_service_seconds",
                                       "signalbox_relay_seconds", "signalbox_calls_total",
                                       "signalbox_slots", "signalbox_slots_in_use",
                                       "signalbox_waiting", "signalbox_tasks", "signalbox_workers",
                                       "signalbox_preemptions_total",
                                       "signalbox_store_commit_seconds", "signalbox_build_info",
                                       "signalbox_time_to_first_token_seconds"});
}

TEST_CASE("metrics_text: profiles beyond the bound are added up", "[http][metrics_text]") {
  MetricsInput many = input();
  many.profiles.clear();
  for (int number = 0; number < 250; ++number) {
    many.profiles.push_back(profile("p" + std::to_string(number), 2, 1));
  }
  const std::string text = metrics_text(many);
  // "chat" has its label already, so 99 of these have one, too.
  CHECK(has_line(text, R"(signalbox_slots{profile="other"} 302)"));
  CHECK(has_line(text, R"(signalbox_waiting{profile="other",priority="interactive"} 151)"));
  CHECK(has_line(text, R"(signalbox_slots{profile="p98"} 2)"));
  CHECK_FALSE(has_line(text, R"(signalbox_slots{profile="p99"} 2)"));
}

}  // namespace signalbox::http
