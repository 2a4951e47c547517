#include "simulations/scenario/arrival_reader.hpp"

#include <memory>

#include "simulations/scenario/law_reader.hpp"

namespace signalbox::sim {
namespace {

using config::SectionReader;

constexpr double rate_max = 1e6;
constexpr std::uint64_t tokens_max = 1'000'000;

TraceSpec read_trace(SectionReader& arrival) {
  TraceSpec trace;
  arrival.require("file");
  arrival.read_text("file", trace.file, config::check_not_empty);
  std::string unit = "calendar";
  arrival.read_word("time", unit, {"calendar", "s", "ms", "us"},
                    [](const std::string& text) { return std::optional<std::string>{text}; });
  if (unit == "s") trace.time_unit = std::chrono::seconds{1};
  if (unit == "ms") trace.time_unit = std::chrono::milliseconds{1};
  if (unit == "us") trace.time_unit = std::chrono::microseconds{1};
  SectionReader columns = open_section(arrival, "columns");
  arrival.require("columns");
  columns.require("time");
  columns.read_text("time", trace.time_column, config::check_not_empty);
  columns.read_text("tokens_in", trace.tokens_in_column, config::check_not_empty);
  columns.read_text("tokens_out", trace.tokens_out_column, config::check_not_empty);
  columns.finish();
  return trace;
}

/// A rate is read by people, a time between two calls is exact.
Duration read_mean_gap(SectionReader& arrival) {
  if (arrival.find("mean_s") != nullptr) return read_time(arrival, "mean_s");
  double rate = 1;
  arrival.require("rate_per_s");
  arrival.read_decimal("rate_per_s", rate, 1e-6, rate_max, "calls per second");
  return to_duration(1 / rate);
}

TraceRow read_call(SectionReader& section) {
  TraceRow row;
  row.at = read_time(section, "at_s");
  section.read_whole("tokens_in", row.tokens_in, {0, tokens_max});
  section.read_whole("tokens_out", row.tokens_out, {0, tokens_max});
  row.service = read_optional_time(section, "service_s");
  row.acts.cancel_after = read_optional_time(section, "cancel_after_s");
  row.acts.hang_up_after = read_optional_time(section, "hang_up_after_s");
  row.acts.duplicate_after = read_optional_time(section, "duplicate_after_s");
  section.read_whole("session", row.session, {0, sessions_max});
  section.finish();
  return row;
}

std::shared_ptr<const std::vector<TraceRow>> read_calls(SectionReader& arrival) {
  auto rows = std::make_shared<std::vector<TraceRow>>();
  arrival.require("calls");
  for (SectionReader& section : arrival.read_sections("calls")) {
    rows->push_back(read_call(section));
    const bool is_late = rows->size() < 2 || (rows->end() - 2)->at <= rows->back().at;
    if (is_late) continue;
    section.context().add(*section.node(), section.path_of("at_s"),
                          "must not be before that of the call above");
  }
  return rows;
}

}  // namespace

ArrivalLaw read_arrival(SectionReader section) {
  ArrivalLaw arrival;
  const auto law = read_law_word(section, {"poisson", "constant", "trace", "calls"});
  if (!law) return arrival;
  if (law == "poisson") {
    arrival = {ArrivalKind::poisson, read_mean_gap(section)};
  } else if (law == "constant") {
    arrival = {ArrivalKind::constant, read_time(section, "every_s")};
  } else if (law == "trace") {
    arrival = {ArrivalKind::trace, {}, read_trace(section)};
  } else {
    arrival.kind = ArrivalKind::recorded;
    arrival.rows = read_calls(section);
  }
  section.finish();
  return arrival;
}

}  // namespace signalbox::sim
