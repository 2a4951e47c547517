#include "cli/show/time_line.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "cli/client/failure.hpp"
#include "cli/client/table.hpp"
#include "http/text/json_members.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

struct Step {
  WallTime at;
  std::string what;
};

std::string text_of(std::string_view json, std::string_view member) {
  const std::string_view value = http::value_of(json, member);
  if (value.empty() || value == "null") return "";
  return to_printable(http::unquote(value).value_or(std::string{value}));
}

/// Does nothing when the row has no such time yet.
void add_step(std::vector<Step>& steps, std::string_view json, std::string_view member,
              std::string what) {
  WallTime at;
  if (http::parse_time(text_of(json, member), at)) steps.push_back({at, std::move(what)});
}

void add_attempts(std::vector<Step>& steps, std::string_view log) {
  for (const std::string_view entry : http::elements_of(log)) {
    const std::string attempt = "attempt " + text_of(entry, "attempt");
    const std::string worker = text_of(entry, "claimed_by");
    const std::string backend = text_of(entry, "backend");
    std::string claimed = attempt + " claimed";
    if (!worker.empty()) claimed += " by " + worker;
    if (!backend.empty() && backend != worker) claimed += " (" + backend + ")";
    add_step(steps, entry, "claimed_at", claimed);
    const std::string outcome = text_of(entry, "outcome");
    const std::string code = text_of(entry, "error_code");
    std::string ended = attempt + " ended";
    if (!outcome.empty()) ended += ": " + outcome;
    if (!code.empty()) ended += " (" + code + ")";
    add_step(steps, entry, "ended_at", ended);
  }
}

std::vector<Step> steps_of(std::string_view row) {
  std::vector<Step> steps;
  add_step(steps, row, "created_at", "created");
  const std::string_view log = http::value_of(row, "attempt_log");
  if (http::elements_of(log).empty()) {
    const std::string worker = text_of(row, "claimed_by");
    add_step(steps, row, "claimed_at", "claimed" + (worker.empty() ? "" : " by " + worker));
  } else {
    add_attempts(steps, log);
  }
  add_step(steps, row, "stream_started_at", "stream started");
  const std::string status = text_of(row, "status");
  add_step(steps, row, "completed_at", status.empty() ? "completed" : status);
  // What happened in the same millisecond stays in the order it must have had.
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& left, const Step& right) { return left.at < right.at; });
  return steps;
}

}  // namespace

std::string format_time_line(std::string_view row) {
  const auto steps = steps_of(row);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t index = 0; index < steps.size(); ++index) {
    const std::string since =
        index == 0 ? " " : "+" + format_span(steps[index].at - steps[index - 1].at);
    rows.push_back({http::format_time(steps[index].at), since, steps[index].what});
  }
  std::string text = format_table({"", "", ""}, rows, {false, 0, {}});
  if (steps.size() > 2) {
    text += "in all " + format_span(steps.back().at - steps.front().at) + "\n";
  }
  return text;
}

std::string format_span(std::chrono::milliseconds span) {
  const auto ms = static_cast<long long>(span.count());
  std::array<char, 64> text{};
  const auto print = [&text](const char* format, auto... values) {
    std::snprintf(text.data(), text.size(), format, values...);
  };
  if (ms < 1000) {
    print("%lldms", ms);
  } else if (ms < 60'000) {
    print("%lld.%llds", ms / 1000, ms % 1000 / 100);
  } else if (ms < 3'600'000) {
    print("%lldm %02llds", ms / 60'000, ms / 1000 % 60);
  } else {
    print("%lldh %02lldm", ms / 3'600'000, ms / 60'000 % 60);
  }
  return text.data();
}

}  // namespace signalbox::cli
