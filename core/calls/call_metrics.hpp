// The figures of all calls that have ended: how many, how they ended, how long they waited and ran.
// One update per call, at its end; memory is bounded by the numbers of labels and series. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/calls/call_row.hpp"
#include "core/calls/histogram.hpp"
#include "core/calls/label_names.hpp"

namespace signalbox {

/// Profiles, and LLMs, that have a label of their own.
inline constexpr std::size_t metric_names_max = 100;
/// Pairs of labels that a histogram tells apart; the rest is one series, `other` twice.
inline constexpr std::size_t metric_series_max = 300;

/// Waiting, running and the first token, from a cached embedding to a long chat. Unit: s.
inline constexpr std::array call_seconds_bounds{
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0};
/// What the broker itself adds, and commits: from cached to a disk that hangs. Unit: s.
inline constexpr std::array own_seconds_bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                               0.025,  0.05,    0.1,    0.25,  0.5,    1.0,   5.0};

inline constexpr std::size_t call_status_count = 8;

/// One histogram per pair of labels.
class HistogramSeries {
  struct Less {
    using is_transparent = void;
    template <class Left, class Right>
    bool operator()(const Left& left, const Right& right) const {
      const int order = std::string_view{left.first}.compare(right.first);
      return order < 0 || (order == 0 && std::string_view{left.second} < right.second);
    }
  };

 public:
  using Labels = std::pair<std::string, std::string>;
  using All = std::map<Labels, Histogram, Less>;

  void observe(std::string_view first, std::string_view second, double seconds);
  /// Sorted by labels; at most `metric_series_max` and one.
  [[nodiscard]] const All& all() const { return x_all; }

 private:
  All x_all;
};

class CallMetrics {
 public:
  /// @pre the call has ended; each is observed once.
  void observe(const CallRow& row);

  /// Indexed by CallStatus.
  [[nodiscard]] const std::array<std::uint64_t, call_status_count>& outcomes() const {
    return x_outcomes;
  }
  /// By profile and class: of all that were let into the line.
  [[nodiscard]] const HistogramSeries& queue_wait() const { return x_queue_wait; }
  /// By profile and LLM: of all that had a slot, from admission to the end.
  [[nodiscard]] const HistogramSeries& service() const { return x_service; }
  /// By profile and LLM: of all that had a first token, from admission to that.
  [[nodiscard]] const HistogramSeries& first_token() const { return x_first_token; }
  /// The profiles told apart so far.
  [[nodiscard]] const LabelNames& profiles() const { return x_profiles; }

 private:
  std::array<std::uint64_t, call_status_count> x_outcomes{};
  LabelNames x_profiles{metric_names_max};
  LabelNames x_llms{metric_names_max};
  HistogramSeries x_queue_wait;
  HistogramSeries x_service;
  HistogramSeries x_first_token;
};

}  // namespace signalbox
