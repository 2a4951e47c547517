#include "simulations/scenario/arrival_reader.hpp"

#include <algorithm>
#include <memory>

#include "simulations/scenario/law_reader.hpp"

namespace signalbox::sim {
namespace {

using config::SectionReader;

constexpr double rate_max = 1e6;
constexpr std::uint64_t users_max = 100'000;
/// Time must go on, whatever becomes of calls.
constexpr std::chrono::milliseconds step_min{1};
constexpr std::uint64_t tokens_max = 1'000'000;

std::uint32_t read_traffic(SectionReader& arrival) {
  double traffic = 1;
  arrival.read_decimal("traffic", traffic, traffic_min, traffic_max, "times as fast");
  return static_cast<std::uint32_t>(traffic * traffic_as_recorded + 0.5);
}

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
  arrival.read_flag("from_first", trace.from_first);
  trace.traffic = read_traffic(arrival);
  SectionReader columns = open_section(arrival, "columns");
  arrival.require("columns");
  columns.require("time");
  columns.read_text("time", trace.time_column, config::check_not_empty);
  columns.read_text("tokens_in", trace.tokens_in_column, config::check_not_empty);
  columns.read_text("tokens_out", trace.tokens_out_column, config::check_not_empty);
  columns.finish();
  return trace;
}

/// Unit: ns.
Law read_think(SectionReader section) {
  const auto word = read_law_word(section, {"const", "exp", "uniform"});
  if (!word) return {};
  const Law think = read_time_law(section, *word);
  if (std::max(think.low, think.high) < Duration{step_min}.count()) {
    section.context().add(*section.node(), section.path(), "must come to 0.001 s or more");
  }
  section.finish();
  return think;
}

/// A rate is read by people, a time between two calls is exact.
Duration read_mean_gap(SectionReader& arrival) {
  if (arrival.find("mean_s") != nullptr) return read_time(arrival, "mean_s");
  double rate = 1;
  arrival.require("rate_per_s");
  arrival.read_decimal("rate_per_s", rate, 1e-6, rate_max, "calls per second");
  return to_duration(1 / rate);
}

ArrivalLaw read_hyperexp(SectionReader& arrival) {
  ArrivalLaw law;
  law.kind = ArrivalKind::hyperexp;
  law.gap = read_time(arrival, "short_s");
  law.hyperexp.long_gap = read_time(arrival, "long_s");
  arrival.require("short_share");
  law.hyperexp.short_share = read_share(arrival, "short_share", 1);
  return law;
}

ArrivalLaw read_on_off(SectionReader& arrival) {
  ArrivalLaw law;
  law.kind = ArrivalKind::on_off;
  law.gap = read_mean_gap(arrival);
  law.on_off.on = read_time(arrival, "on_s");
  law.on_off.off = read_time(arrival, "off_s");
  // Else nearly every burst is empty, and a call takes ever so many of them.
  const bool is_long = law.on_off.on >= step_min && law.on_off.on >= law.gap / 1000;
  if (!is_long) {
    arrival.context().add(*arrival.node(), arrival.path_of("on_s"),
                          "must be 0.001 or more, and a thousandth of the time between two calls");
  }
  return law;
}

ArrivalLaw read_closed(SectionReader& arrival) {
  ArrivalLaw law;
  law.kind = ArrivalKind::closed;
  arrival.require("users");
  arrival.read_whole("users", law.closed.users, {1, users_max});
  arrival.require("think");
  law.closed.think = read_think(open_section(arrival, "think"));
  return law;
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
  const auto law = read_law_word(
      section, {"poisson", "constant", "hyperexp", "on_off", "closed", "trace", "calls"});
  if (!law) return arrival;
  if (law == "poisson") {
    arrival = {ArrivalKind::poisson, read_mean_gap(section)};
  } else if (law == "constant") {
    arrival = {ArrivalKind::constant, read_time(section, "every_s")};
  } else if (law == "hyperexp") {
    arrival = read_hyperexp(section);
  } else if (law == "on_off") {
    arrival = read_on_off(section);
  } else if (law == "closed") {
    arrival = read_closed(section);
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
