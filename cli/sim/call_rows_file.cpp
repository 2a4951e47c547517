#include "cli/sim/call_rows_file.hpp"

#include <boost/json.hpp>

#include "cli/sim/take_line.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

std::string text_of(const boost::json::object& row, std::string_view key) {
  const auto* value = row.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string{value->as_string()};
}

/// @returns nothing for null and for what is below zero.
std::optional<double> number_of(const boost::json::object& row, std::string_view key) {
  const auto* value = row.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double number = value->to_number<double>();
  // A year is more than any call takes, and far from what nanoseconds can hold.
  constexpr double most = 366.0 * 86'400 * 1'000;
  if (!(number >= 0) || number > most) return std::nullopt;
  return number;
}

Duration from_ms(double ms) {
  return Duration{static_cast<std::int64_t>(ms * 1e6 + 0.5)};
}

std::optional<std::uint32_t> count_of(const boost::json::object& row, std::string_view key) {
  const auto number = number_of(row, key);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// @returns false when it is no call row.
bool add_row(const boost::json::object& row, CallRowsFile& file) {
  sim::RecordedCall call;
  WallTime queued_at;
  const auto priority = parse_priority(text_of(row, "priority"));
  call.profile = text_of(row, "profile");
  if (!priority || call.profile.empty() ||
      !http::parse_time(text_of(row, "queued_at"), queued_at)) {
    return false;
  }
  WallTime admitted_at;
  const auto service_ms = number_of(row, "service_time_ms");
  const bool has_ended = !text_of(row, "finished_at").empty();
  if (!service_ms || !has_ended || !http::parse_time(text_of(row, "admitted_at"), admitted_at)) {
    ++file.skipped;
    return true;
  }
  call.id = text_of(row, "id");
  call.priority = *priority;
  call.queued_at = queued_at.time_since_epoch();
  call.service = from_ms(*service_ms);
  call.admitted_at = admitted_at.time_since_epoch();
  // A slot's call has neither pool nor backend: its profile is what it was for.
  for (const char* key : {"pool", "backend", "profile"}) {
    if (call.target.empty()) call.target = text_of(row, key);
  }
  call.owner = text_of(row, "owner");
  call.tokens_in = count_of(row, "tokens_in");
  call.tokens_out = count_of(row, "tokens_out");
  file.calls.push_back(std::move(call));
  return true;
}

}  // namespace

Outcome<CallRowsFile> read_call_rows(std::string_view text, const std::string& file_name) {
  CallRowsFile file;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    boost::json::error_code failed;
    const auto value = boost::json::parse({line.data(), line.size()}, failed);
    if (failed || !value.is_object() || !add_row(value.as_object(), file)) {
      return Failure{ExitCode::usage,
                     file_name + ":" + std::to_string(number) +
                         ": this is no call row of `signalbox get calls -o jsonl`"};
    }
  }
  return file;
}

}  // namespace signalbox::cli
