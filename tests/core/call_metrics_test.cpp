// Goal: each call that ended is counted once, in the series it belongs to, and no choice of names
// by callers makes the figures grow without end. Method: rows as calls leave them.
#include "core/calls/call_metrics.hpp"

#include <catch2/catch.hpp>

namespace signalbox {
namespace {

CallRow row(const std::string& profile, CallStatus status, const std::string& llm = {}) {
  CallRow made;
  made.profile = profile;
  made.status = status;
  made.backend = llm;
  made.queue_wait_ms = 20;
  if (!llm.empty()) {
    made.service_time_ms = 1500;
    made.admitted_at = WallTime{std::chrono::milliseconds{1000}};
    made.first_token_at = WallTime{std::chrono::milliseconds{1200}};
  }
  return made;
}

using Labels = HistogramSeries::Labels;

}  // namespace

TEST_CASE("call_metrics: a call is counted in its series", "[core][call_metrics]") {
  CallMetrics metrics;
  metrics.observe(row("chat", CallStatus::ok, "qwen"));
  metrics.observe(row("chat", CallStatus::error, "qwen"));
  metrics.observe(row("embed", CallStatus::queue_wait_timeout));
  CHECK(metrics.outcomes()[static_cast<std::size_t>(CallStatus::ok)] == 1);
  CHECK(metrics.outcomes()[static_cast<std::size_t>(CallStatus::error)] == 1);
  CHECK(metrics.outcomes()[static_cast<std::size_t>(CallStatus::queue_wait_timeout)] == 1);

  CHECK(metrics.queue_wait().all().at(Labels{"chat", "workflow"}).count() == 2);
  CHECK(metrics.queue_wait().all().at(Labels{"embed", "workflow"}).sum() == Approx(0.02));
  CHECK(metrics.service().all().size() == 1);
  CHECK(metrics.service().all().at(Labels{"chat", "qwen"}).sum() == Approx(3.0));
  CHECK(metrics.first_token().all().at(Labels{"chat", "qwen"}).sum() == Approx(0.4));
}

TEST_CASE("call_metrics: who was not let into the line did not wait", "[core][call_metrics]") {
  CallMetrics metrics;
  metrics.observe(row("chat", CallStatus::queue_full));
  CHECK(metrics.queue_wait().all().empty());
  CHECK(metrics.outcomes()[static_cast<std::size_t>(CallStatus::queue_full)] == 1);
}

TEST_CASE("call_metrics: a first token from before the admission is none of it",
          "[core][call_metrics]") {
  CallMetrics metrics;
  CallRow requeued = row("chat", CallStatus::error, "qwen");
  requeued.admitted_at = WallTime{std::chrono::milliseconds{5000}};
  metrics.observe(requeued);
  CHECK(metrics.first_token().all().empty());
  CHECK(metrics.service().all().size() == 1);
}

TEST_CASE("call_metrics: a slot of an app's own call has no LLM", "[core][call_metrics]") {
  CallMetrics metrics;
  CallRow slot = row("chat", CallStatus::ok);
  slot.service_time_ms = 10;
  metrics.observe(slot);
  CHECK(metrics.service().all().at(Labels{"chat", ""}).count() == 1);
}

TEST_CASE("call_metrics: names beyond the bound share one", "[core][call_metrics]") {
  CallMetrics metrics;
  for (std::size_t number = 0; number < 3 * metric_names_max; ++number) {
    const std::string text = std::to_string(number);
    metrics.observe(row("profile-" + text, CallStatus::ok, "llm-" + text));
  }
  // One of those that came in time goes on under its own name.
  metrics.observe(row("profile-0", CallStatus::ok, "llm-0"));
  CHECK(metrics.queue_wait().all().size() == metric_names_max + 1);
  CHECK(metrics.queue_wait().all().at(Labels{"other", "workflow"}).count() == 2 * metric_names_max);
  CHECK(metrics.service().all().at(Labels{"profile-0", "llm-0"}).count() == 2);
  CHECK(metrics.service().all().at(Labels{"other", "other"}).count() == 2 * metric_names_max);
}

TEST_CASE("call_metrics: pairs of names are bounded, too", "[core][call_metrics]") {
  CallMetrics metrics;
  std::size_t calls = 0;
  for (int profile = 0; profile < 30; ++profile) {
    for (int llm = 0; llm < 30; ++llm, ++calls) {
      metrics.observe(
          row("p" + std::to_string(profile), CallStatus::ok, "l" + std::to_string(llm)));
    }
  }
  CHECK(metrics.service().all().size() == metric_series_max + 1);
  std::size_t counted = 0;
  for (const auto& [labels, histogram] : metrics.service().all()) counted += histogram.count();
  CHECK(counted == calls);
}

}  // namespace signalbox
