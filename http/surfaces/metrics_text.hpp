// The figures in the text that Prometheus reads. Pure: made anew for each scrape from what the
// actors say, so that nothing has to be kept in step. Labels are bounded as
// core/calls/call_metrics.hpp says.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "actors/messages/messages.hpp"

namespace signalbox::http {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

inline constexpr std::size_t session_state_count = 3;

struct MetricsInput {
  actors::Figures figures;
  std::vector<actors::ProfileStatus> profiles;
  /// Indexed by SessionState.
  std::array<std::uint64_t, session_state_count> workers{};
  TaskCounts tasks{};
  Histogram relay{own_seconds_bounds};
  std::string version;
};

/// @pre `figures.calls` is set.
std::string metrics_text(const MetricsInput& input);

}  // namespace signalbox::http
