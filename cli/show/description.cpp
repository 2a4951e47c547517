#include "cli/show/description.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "cli/client/failure.hpp"
#include "cli/client/json_text.hpp"
#include "cli/client/table.hpp"
#include "cli/show/time_line.hpp"
#include "http/text/json_members.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

constexpr std::size_t lines_max = 24;
constexpr std::size_t width_max = 200;

struct Pair {
  std::string key;
  std::string value;
};

/// "last_heartbeat_at" as "Last heartbeat at".
std::string to_label(std::string_view member) {
  if (member == "id") return "ID";
  if (member == "llm") return "LLM";
  if (member == "llms") return "LLMs";
  if (member == "url") return "URL";
  std::string label = to_printable(member);
  std::replace(label.begin(), label.end(), '_', ' ');
  if (!label.empty() && label[0] >= 'a' && label[0] <= 'z') {
    label[0] = static_cast<char>(label[0] - 'a' + 'A');
  }
  return label;
}

std::string to_text(std::string_view value, WallTime now);

/// "a, b" for a list without lists or objects in it.
std::string join_elements(std::string_view list, WallTime now) {
  std::string joined;
  for (const std::string_view element : http::elements_of(list)) {
    joined += (joined.empty() ? "" : ", ") + to_text(element, now);
  }
  return joined.empty() ? "-" : joined;
}

std::string to_text(std::string_view value, WallTime now) {
  if (value.empty() || value == "null") return "-";
  if (value == "{}") return "-";
  if (value.starts_with('[')) return join_elements(value, now);
  if (value == "true") return "yes";
  if (value == "false") return "no";
  const auto string = http::unquote(value);
  if (!string) return to_printable(value);
  std::string text = to_printable(*string);
  WallTime time;
  if (http::parse_time(text, time)) text += " (" + format_age(now - time) + " ago)";
  return text.empty() ? "-" : text;
}

/// Takes a block of its own.
bool is_nested(std::string_view value) {
  if (value.starts_with('{')) return value != "{}";
  const auto elements = http::elements_of(value);
  return std::any_of(elements.begin(), elements.end(), [](std::string_view element) {
    return element.starts_with('{') || element.starts_with('[');
  });
}

std::string format_pairs(const std::vector<Pair>& pairs) {
  std::size_t width = 0;
  for (const Pair& pair : pairs) width = std::max(width, count_characters(pair.key));
  std::string text;
  for (const Pair& pair : pairs) {
    text += pair.key + ":" + std::string(width - count_characters(pair.key) + 2, ' ') + pair.value +
            "\n";
  }
  return text;
}

std::string format_block(std::string_view title, std::string_view json,
                         const DescriptionOptions& options) {
  if (json.empty() || json == "null") return "";
  std::string text = indent_json(json);
  if (!options.full) text = shorten_text(text, lines_max, width_max);
  return std::string{title} + ":\n" + indent_lines(text, 2);
}

/// Members with a block of their own are left out of the pairs.
std::string describe_members(std::string_view row, const std::set<std::string>& left_out,
                             const DescriptionOptions& options) {
  std::vector<Pair> pairs;
  std::string blocks;
  for (const http::Member& member : http::members_of(row)) {
    if (left_out.contains(member.name)) continue;
    if (is_nested(member.value)) {
      blocks += format_block(to_label(member.name), member.value, options);
    } else {
      pairs.push_back({to_label(member.name), to_text(member.value, options.now)});
    }
  }
  return format_pairs(pairs) + blocks;
}

std::string describe_error(std::string_view row) {
  const std::string_view error = http::value_of(row, "error");
  if (!error.starts_with('{')) return "";
  const auto member = [&](std::string_view name) {
    return to_printable(http::unquote(http::value_of(error, name)).value_or("-"));
  };
  return "Error:\n" + indent_lines(member("message") + " (" + member("code") + ")", 2);
}

std::string describe_task(std::string_view row, const DescriptionOptions& options) {
  // The times are in the line of time, and what stands in blocks comes below it.
  const std::set<std::string> apart{"created_at",   "claimed_at",   "stream_started_at",
                                    "completed_at", "attempt_log",  "error",
                                    "metadata",     "request_body", "response_body"};
  return describe_members(row, apart, options) + "Time line:\n" +
         indent_lines(format_time_line(row), 2) + describe_error(row) +
         format_block("Metadata", http::value_of(row, "metadata"), options) +
         format_block("Request", http::value_of(row, "request_body"), options) +
         format_block("Response", http::value_of(row, "response_body"), options);
}

}  // namespace

std::string describe_row(const Resource& resource, std::string_view row,
                         const DescriptionOptions& options) {
  if (&resource == find_resource("tasks")) return describe_task(row, options);
  return describe_members(row, {}, options);
}

}  // namespace signalbox::cli
