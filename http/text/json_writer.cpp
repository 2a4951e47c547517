#include "http/text/json_writer.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "http/text/json_members.hpp"

namespace signalbox::http {

void JsonWriter::separate() {
  if (x_needs_comma) x_text += ',';
  x_needs_comma = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  x_text += bracket;
  x_needs_comma = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  x_text += bracket;
  x_needs_comma = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  x_text += json_quote(name);
  x_text += ':';
  x_needs_comma = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  x_text += text;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  return value(json_quote(text));
}

JsonWriter& JsonWriter::string_or_null(std::string_view text) {
  return text.empty() ? null() : string(text);
}

JsonWriter& JsonWriter::number(std::int64_t number) {
  return value(fmt::format("{}", number));
}

JsonWriter& JsonWriter::number(double number) {
  if (!std::isfinite(number)) return null();
  std::string text = fmt::format("{:.3f}", number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return value(text == "-0" ? "0" : text);
}

JsonWriter& JsonWriter::number_or_null(double number) {
  return number < 0 ? null() : this->number(number);
}

JsonWriter& JsonWriter::boolean(bool is_true) {
  return value(is_true ? "true" : "false");
}

JsonWriter& JsonWriter::null() {
  return value("null");
}

JsonWriter& JsonWriter::time(WallTime time) {
  return time == WallTime{} ? null() : string(format_time(time));
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  return json.empty() ? null() : value(json);
}

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

namespace {

/// Reads exactly `digits` digits at the front of `text`.
bool read_digits(std::string_view& text, std::size_t digits, int& number) {
  if (text.size() < digits) return false;
  const auto result = std::from_chars(text.data(), text.data() + digits, number);
  if (result.ec != std::errc{} || result.ptr != text.data() + digits || number < 0) return false;
  text.remove_prefix(digits);
  return true;
}

bool read_mark(std::string_view& text, std::string_view marks) {
  if (text.empty() || marks.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool read_offset(std::string_view& text, std::chrono::minutes& offset) {
  if (read_mark(text, "Zz")) return text.empty();
  const bool is_behind = text.starts_with('-');
  int hours = 0;
  int minutes = 0;
  if (!read_mark(text, "+-") || !read_digits(text, 2, hours) || !read_mark(text, ":") ||
      !read_digits(text, 2, minutes) || !text.empty() || hours > 23 || minutes > 59) {
    return false;
  }
  offset = std::chrono::hours{hours} + std::chrono::minutes{minutes};
  if (is_behind) offset = -offset;
  return true;
}

int read_fraction_ms(std::string_view& text) {
  int ms = 0;
  int scale = 100;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    ms += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return ms;
}

}  // namespace

bool parse_time(std::string_view text, WallTime& time) {
  std::array<int, 6> part{};
  if (!read_digits(text, 4, part[0]) || !read_mark(text, "-") || !read_digits(text, 2, part[1]) ||
      !read_mark(text, "-") || !read_digits(text, 2, part[2]) || !read_mark(text, "Tt ") ||
      !read_digits(text, 2, part[3]) || !read_mark(text, ":") || !read_digits(text, 2, part[4]) ||
      !read_mark(text, ":") || !read_digits(text, 2, part[5])) {
    return false;
  }
  const int ms = read_mark(text, ".") ? read_fraction_ms(text) : 0;
  std::chrono::minutes offset{};
  if (!read_offset(text, offset)) return false;
  const std::chrono::year_month_day date{std::chrono::year{part[0]},
                                         std::chrono::month{static_cast<unsigned>(part[1])},
                                         std::chrono::day{static_cast<unsigned>(part[2])}};
  if (!date.ok() || part[3] > 23 || part[4] > 59 || part[5] > 60) return false;
  time = std::chrono::sys_days{date} + std::chrono::hours{part[3]} + std::chrono::minutes{part[4]} +
         std::chrono::seconds{part[5]} + std::chrono::milliseconds{ms} - offset;
  return true;
}

}  // namespace signalbox::http
