#include "http/surfaces/metrics_text.hpp"

#include <prometheus/text_serializer.h>

#include <limits>
#include <map>
#include <sstream>

namespace signalbox::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

MetricFamily family(std::string name, std::string help, MetricType type) {
  return {std::move(name), std::move(help), type, {}};
}

ClientMetric::Label label(std::string_view name, std::string_view value) {
  return {std::string{name}, std::string{value}};
}

void add_gauge(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

void add_histogram(MetricFamily& family, Labels labels, const Histogram& histogram) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.histogram.sample_count = histogram.count();
  metric.histogram.sample_sum = histogram.sum();
  std::uint64_t so_far = 0;
  for (std::size_t index = 0; index < histogram.bounds().size(); ++index) {
    so_far += histogram.counts()[index];
    metric.histogram.bucket.push_back({so_far, histogram.bounds()[index]});
  }
  metric.histogram.bucket.push_back({histogram.count(), std::numeric_limits<double>::infinity()});
  family.metric.push_back(std::move(metric));
}

MetricFamily one_histogram(std::string name, std::string help, const Histogram& histogram) {
  auto made = family(std::move(name), std::move(help), MetricType::Histogram);
  add_histogram(made, {}, histogram);
  return made;
}

/// @param second the name of the second label.
MetricFamily histograms(std::string name, std::string help, std::string_view second,
                        const HistogramSeries& series) {
  auto made = family(std::move(name), std::move(help), MetricType::Histogram);
  for (const auto& [labels, histogram] : series.all()) {
    Labels shown{label("profile", labels.first)};
    if (!labels.second.empty()) shown.push_back(label(second, labels.second));
    add_histogram(made, std::move(shown), histogram);
  }
  return made;
}

MetricFamily outcomes(const CallMetrics& calls) {
  auto made = family("signalbox_calls_total", "Calls that have ended, by how they did.",
                     MetricType::Counter);
  // From the first that is an end.
  for (auto status = static_cast<std::size_t>(CallStatus::ok); status < call_status_count;
       ++status) {
    ClientMetric metric;
    metric.label = {label("outcome", to_string(static_cast<CallStatus>(status)))};
    metric.counter.value = static_cast<double>(calls.outcomes()[status]);
    made.metric.push_back(std::move(metric));
  }
  return made;
}

/// Slots, those in use, and who waits; profiles without a label of their own are added up.
void add_profiles(const MetricsInput& input, std::vector<MetricFamily>& families) {
  struct Sums {
    double slots = 0;
    double in_use = 0;
    double preempted = 0;
    std::array<double, priority_count> waiting{};
  };
  LabelNames names = input.figures.calls->profiles();
  std::map<std::string_view, Sums> sums;
  for (const auto& profile : input.profiles) {
    Sums& sum = sums[names.label_for(profile.name)];
    sum.slots += profile.occupancy.slots;
    sum.in_use += profile.occupancy.in_flight;
    sum.preempted += static_cast<double>(profile.occupancy.preempted_total);
    for (std::size_t index = 0; index < priority_count; ++index) {
      sum.waiting[index] += static_cast<double>(profile.occupancy.waiting[index]);
    }
  }
  auto slots = family("signalbox_slots", "Slots of a profile.", MetricType::Gauge);
  auto in_use = family("signalbox_slots_in_use", "Slots that a call has.", MetricType::Gauge);
  auto waiting = family("signalbox_waiting", "Calls that wait for a slot.", MetricType::Gauge);
  auto preempted = family("signalbox_preemptions_total",
                          "Background tasks sent back for interactive calls.", MetricType::Counter);
  for (const auto& [name, sum] : sums) {
    ClientMetric sent_back;
    sent_back.label = {label("profile", name)};
    sent_back.counter.value = sum.preempted;
    preempted.metric.push_back(std::move(sent_back));
    add_gauge(slots, {label("profile", name)}, sum.slots);
    add_gauge(in_use, {label("profile", name)}, sum.in_use);
    for (std::size_t index = 0; index < priority_count; ++index) {
      const auto priority = to_string(static_cast<Priority>(index));
      add_gauge(waiting, {label("profile", name), label("priority", priority)}, sum.waiting[index]);
    }
  }
  for (MetricFamily* made : {&slots, &in_use, &waiting, &preempted})
    families.push_back(std::move(*made));
}

MetricFamily tasks(const TaskCounts& counts) {
  auto made = family("signalbox_tasks", "Tasks in the store.", MetricType::Gauge);
  for (std::size_t index = 0; index < counts.size(); ++index) {
    add_gauge(made, {label("status", to_string(static_cast<TaskState>(index)))},
              static_cast<double>(counts[index]));
  }
  return made;
}

MetricFamily workers(const std::array<std::uint64_t, session_state_count>& counts) {
  auto made = family("signalbox_workers", "Sessions of workers.", MetricType::Gauge);
  for (std::size_t index = 0; index < counts.size(); ++index) {
    add_gauge(made, {label("state", to_string(static_cast<SessionState>(index)))},
              static_cast<double>(counts[index]));
  }
  return made;
}

}  // namespace

std::string metrics_text(const MetricsInput& input) {
  const CallMetrics& calls = *input.figures.calls;
  std::vector<MetricFamily> families;
  families.push_back(histograms("signalbox_queue_wait_seconds",
                                "Time that calls waited for a slot, in vain or not.", "priority",
                                calls.queue_wait()));
  families.push_back(histograms("signalbox_service_seconds",
                                "Time from a call's admission to its end.", "llm",
                                calls.service()));
  families.push_back(histograms("signalbox_time_to_first_token_seconds",
                                "Time from a call's admission to its first token.", "llm",
                                calls.first_token()));
  families.push_back(one_histogram(
      "signalbox_relay_seconds",
      "Longest time that a piece of an answer was in the broker's hands, one per call.",
      input.relay));
  families.push_back(outcomes(calls));
  add_profiles(input, families);
  families.push_back(tasks(input.tasks));
  families.push_back(workers(input.workers));
  families.push_back(one_histogram("signalbox_store_commit_seconds",
                                   "Time that the store took to write a batch and sync it.",
                                   input.figures.commits));
  auto build = family("signalbox_build_info", "Which program this is.", MetricType::Gauge);
  add_gauge(build, {label("version", input.version)}, 1);
  families.push_back(std::move(build));
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, families);
  return out.str();
}

}  // namespace signalbox::http
