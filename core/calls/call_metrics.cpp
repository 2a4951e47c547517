#include "core/calls/call_metrics.hpp"

namespace signalbox {
namespace {

/// Unit: s.
double between(WallTime from, WallTime to) {
  return to_seconds(to - from);
}

}  // namespace

void HistogramSeries::observe(std::string_view first, std::string_view second, double seconds) {
  // Compared with the keys as it is: a call of a known series allocates nothing.
  auto place = x_all.find(std::pair{first, second});
  if (place == x_all.end()) {
    if (x_all.size() >= metric_series_max) first = second = LabelNames::other;
    place = x_all.try_emplace({std::string{first}, std::string{second}}, call_seconds_bounds).first;
  }
  place->second.observe(seconds);
}

void CallMetrics::observe(const CallRow& row) {
  ++x_outcomes[static_cast<std::size_t>(row.status)];
  const std::string_view profile = x_profiles.label_for(row.profile);
  if (row.status != CallStatus::queue_full && row.queue_wait_ms >= 0) {
    x_queue_wait.observe(profile, to_string(row.priority), row.queue_wait_ms / 1e3);
  }
  if (row.service_time_ms < 0) return;
  // A slot of an app's own calls has no LLM that we know of.
  const std::string_view llm = row.backend.empty() ? "" : x_llms.label_for(row.backend);
  x_service.observe(profile, llm, row.service_time_ms / 1e3);
  // An earlier attempt's is before the admission that counts.
  if (row.first_token_at != WallTime{} && row.first_token_at >= row.admitted_at) {
    x_first_token.observe(profile, llm, between(row.admitted_at, row.first_token_at));
  }
}

}  // namespace signalbox
