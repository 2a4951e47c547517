// Every struct is taken apart by structured bindings: a field that is added to one of them does not
// compile here until it is written, too.
#include "simulations/scenario/arrival_writer.hpp"

#include "simulations/scenario/law_writer.hpp"

namespace signalbox::sim {
namespace {

std::string trace_text(const TraceSpec& trace) {
  const auto& [file, time_column, tokens_in_column, tokens_out_column, time_unit, from_first,
               traffic] = trace;
  FlowMap columns;
  columns.add("time", value_text(time_column));
  if (!tokens_in_column.empty()) columns.add("tokens_in", value_text(tokens_in_column));
  if (!tokens_out_column.empty()) columns.add("tokens_out", value_text(tokens_out_column));
  FlowMap arrival;
  arrival.add("law", "trace").add("file", value_text(file));
  if (time_unit == std::chrono::seconds{1}) arrival.add("time", "s");
  if (time_unit == std::chrono::milliseconds{1}) arrival.add("time", "ms");
  if (time_unit == std::chrono::microseconds{1}) arrival.add("time", "us");
  if (from_first) arrival.add("from_first", "true");
  if (traffic != traffic_as_recorded) arrival.add("traffic", share_text(traffic));
  return arrival.add("columns", columns.text()).text();
}

std::string call_text(const TraceRow& row) {
  const auto& [at, tokens_in, tokens_out, service, acts, session] = row;
  const auto& [cancel_after, hang_up_after, duplicate_after] = acts;
  FlowMap call;
  call.add("at_s", seconds_text(at));
  if (tokens_in) call.add("tokens_in", *tokens_in);
  if (tokens_out) call.add("tokens_out", *tokens_out);
  add_optional_time(call, "service_s", service);
  add_optional_time(call, "cancel_after_s", cancel_after);
  add_optional_time(call, "hang_up_after_s", hang_up_after);
  add_optional_time(call, "duplicate_after_s", duplicate_after);
  if (session) call.add("session", *session);
  return call.text();
}

/// One call a line.
std::string calls_text(const std::vector<TraceRow>& rows) {
  if (rows.empty()) return FlowMap{}.add("law", "calls").add("calls", "[]").text();
  std::string text = "\n      law: calls\n      calls:";
  for (const TraceRow& row : rows) text += "\n        - " + call_text(row);
  return text;
}

std::string hyperexp_text(Duration short_gap, const Hyperexp& hyperexp) {
  const auto& [long_gap, short_share] = hyperexp;
  FlowMap text;
  text.add("law", "hyperexp").add("short_s", seconds_text(short_gap));
  text.add("long_s", seconds_text(long_gap)).add("short_share", share_text(short_share));
  return text.text();
}

std::string on_off_text(Duration gap, const OnOff& on_off) {
  const auto& [on, off] = on_off;
  FlowMap text;
  text.add("law", "on_off").add("mean_s", seconds_text(gap));
  text.add("on_s", seconds_text(on)).add("off_s", seconds_text(off));
  return text.text();
}

std::string closed_text(const UserLaw& closed) {
  const auto& [users, think] = closed;
  FlowMap text;
  text.add("law", "closed").add("users", users).add("think", time_law(think).text());
  return text.text();
}

}  // namespace

std::string arrival_text(const ArrivalLaw& arrival) {
  const auto& [kind, gap, trace, rows, hyperexp, on_off, closed] = arrival;
  switch (kind) {
    case ArrivalKind::poisson:
      return FlowMap{}.add("law", "poisson").add("mean_s", seconds_text(gap)).text();
    case ArrivalKind::constant:
      return FlowMap{}.add("law", "constant").add("every_s", seconds_text(gap)).text();
    case ArrivalKind::hyperexp:
      return hyperexp_text(gap, hyperexp);
    case ArrivalKind::on_off:
      return on_off_text(gap, on_off);
    case ArrivalKind::closed:
      return closed_text(closed);
    case ArrivalKind::trace:
      return trace_text(trace);
    case ArrivalKind::recorded:
      return calls_text(*rows);
  }
  return {};
}

}  // namespace signalbox::sim
