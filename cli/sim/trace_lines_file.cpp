#include "cli/sim/trace_lines_file.hpp"

#include <boost/json.hpp>
#include <optional>

#include "cli/sim/take_line.hpp"
#include "simulations/scenario/trace_reader.hpp"

namespace signalbox::cli {
namespace {

/// Whole numbers are exact; others are rounded to the nanosecond.
std::optional<Duration> read_time(const boost::json::value& value, Duration unit) {
  if (unit == Duration::zero()) {
    return value.is_string() ? sim::parse_calendar(std::string{value.as_string()}) : std::nullopt;
  }
  if (value.is_int64() && value.as_int64() >= 0) {
    return sim::parse_amount(std::to_string(value.as_int64()), unit);
  }
  const auto most = static_cast<double>(Duration::max().count() / 4);
  const double time =
      value.is_double() ? value.as_double() * static_cast<double>(unit.count()) : -1;
  if (!(time >= 0 && time <= most)) return std::nullopt;
  return Duration{static_cast<std::int64_t>(time + 0.5)};
}

/// @returns false when the key is there and holds no number of tokens, or is not there.
bool read_tokens(const boost::json::object& row, const std::string& key,
                 std::optional<std::uint32_t>& tokens) {
  if (key.empty()) return true;
  const auto* value = row.if_contains(key);
  if (value == nullptr || !value->is_int64()) return false;
  const std::int64_t number = value->as_int64();
  if (number < 0 || number > sim::trace_tokens_max) return false;
  tokens = static_cast<std::uint32_t>(number);
  return true;
}

/// @returns what is wrong with it, or nothing.
std::optional<std::string> add_row(std::string_view line, const TraceColumns& columns,
                                   Duration unit, std::vector<sim::TraceRow>& rows) {
  boost::json::error_code failed;
  const auto value = boost::json::parse({line.data(), line.size()}, failed);
  if (failed || !value.is_object()) return "this is no JSON object";
  const auto& object = value.as_object();
  const auto* time = object.if_contains(columns.time);
  const auto at = time == nullptr ? std::nullopt : read_time(*time, unit);
  if (!at) return "there is no time in \"" + columns.time + "\"";
  if (!rows.empty() && *at < rows.back().at) return "the lines are not in the order of their times";
  sim::TraceRow row{*at, {}, {}};
  if (!read_tokens(object, columns.tokens_in, row.tokens_in)) {
    return "there is no number of tokens in \"" + columns.tokens_in + "\"";
  }
  if (!read_tokens(object, columns.tokens_out, row.tokens_out)) {
    return "there is no number of tokens in \"" + columns.tokens_out + "\"";
  }
  rows.push_back(row);
  return std::nullopt;
}

}  // namespace

Outcome<std::vector<sim::TraceRow>> read_trace_lines(std::string_view text,
                                                     const TraceColumns& columns,
                                                     Duration time_unit,
                                                     const std::string& file_name) {
  std::vector<sim::TraceRow> rows;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    if (const auto problem = add_row(line, columns, time_unit, rows)) {
      return Failure{ExitCode::usage, file_name + ":" + std::to_string(number) + ": " + *problem};
    }
  }
  return rows;
}

}  // namespace signalbox::cli
