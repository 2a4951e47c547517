#include "simulations/scenario/trace_reader.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/base/read_number.hpp"

namespace signalbox::sim {
namespace {

/// A line of a trace is short; a file that is something else is refused early.
constexpr std::size_t line_bytes_max = 65'536;

void split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  while (true) {
    const std::size_t comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return;
    line.remove_prefix(comma + 1);
  }
}

/// Takes `count` digits off the front. @returns nothing when there are not as many.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  int number = 0;
  if (text.size() < count || !read_number(text.substr(0, count), number)) return std::nullopt;
  if (text.front() == '-') return std::nullopt;
  text.remove_prefix(count);
  return number;
}

bool take_one_of(std::string_view& text, std::string_view choices) {
  if (text.empty() || choices.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes digits of a fraction of `unit` off the front; what is below a nanosecond is cut.
Duration take_fraction(std::string_view& text, Duration unit) {
  std::int64_t worth = unit.count();
  std::int64_t sum = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    worth /= 10;
    sum += worth * (text.front() - '0');
    text.remove_prefix(1);
  }
  return Duration{sum};
}

/// Takes "Z" or "+01:00" off the front. @returns how far it is from UTC, zero where nothing is
/// said, or nothing when it is something else.
std::optional<Duration> take_zone(std::string_view& text) {
  if (text.empty() || take_one_of(text, "Z")) return Duration::zero();
  const bool is_west = text.front() == '-';
  if (!take_one_of(text, "+-")) return std::nullopt;
  const auto hours = take_digits(text, 2);
  const bool has_colon = hours && take_one_of(text, ":");
  const auto minutes = has_colon ? take_digits(text, 2) : std::nullopt;
  if (!minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  const Duration zone = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return is_west ? -zone : zone;
}

}  // namespace

std::optional<Duration> parse_calendar(std::string_view text) {
  // Year, month, day, hour, minute, second, and what stands after each.
  constexpr std::array<std::size_t, 6> widths{4, 2, 2, 2, 2, 2};
  constexpr std::array<std::string_view, 5> marks{"-", "-", " T", ":", ":"};
  std::array<int, 6> part{};
  for (std::size_t index = 0; index < part.size(); ++index) {
    const auto number = take_digits(text, widths.at(index));
    if (!number) return std::nullopt;
    part.at(index) = *number;
    if (index < marks.size() && !take_one_of(text, marks.at(index))) return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year{part[0]},
                                         std::chrono::month{static_cast<unsigned>(part[1])},
                                         std::chrono::day{static_cast<unsigned>(part[2])}};
  if (!date.ok() || part[3] > 23 || part[4] > 59 || part[5] > 60) return std::nullopt;
  Duration time = std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{part[3]} +
                  std::chrono::minutes{part[4]} + std::chrono::seconds{part[5]};
  if (take_one_of(text, ".")) time += take_fraction(text, std::chrono::seconds{1});
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return time - *zone;
}

std::optional<Duration> parse_amount(std::string_view text, Duration unit) {
  const std::size_t point = std::min(text.find('.'), text.size());
  std::uint64_t whole = 0;
  if (!read_number(text.substr(0, point), whole)) return std::nullopt;
  if (whole > static_cast<std::uint64_t>(INT64_MAX / unit.count())) return std::nullopt;
  Duration time = unit * static_cast<std::int64_t>(whole);
  text.remove_prefix(point);
  if (take_one_of(text, ".")) time += take_fraction(text, unit);
  if (!text.empty()) return std::nullopt;
  return time;
}

Result<TraceReader> TraceReader::open(const TraceSpec& spec, const std::string& path) {
  TraceReader reader;
  reader.x_path = path;
  reader.x_time_unit = spec.time_unit;
  reader.x_file.open(path, std::ios::binary);
  if (!reader.x_file) {
    return make_error(ErrorCode::invalid_request, "cannot read the trace " + path);
  }
  if (auto error = reader.read_header(spec)) return std::move(*error);
  return reader;
}

std::optional<Error> TraceReader::read_header(const TraceSpec& spec) {
  if (!read_line()) return bad_line("there is no header line");
  const auto time = find_column(spec.time_column);
  if (!time) return bad_line("there is no column \"" + spec.time_column + "\"");
  x_columns.time = *time;
  const std::array<std::pair<const std::string*, std::optional<std::size_t>*>, 2> sizes{
      {{&spec.tokens_in_column, &x_columns.tokens_in},
       {&spec.tokens_out_column, &x_columns.tokens_out}}};
  for (const auto& [name, column] : sizes) {
    if (name->empty()) continue;
    *column = find_column(*name);
    if (!*column) return bad_line("there is no column \"" + *name + "\"");
  }
  return std::nullopt;
}

bool TraceReader::read_line() {
  if (!std::getline(x_file, x_line)) return false;
  ++x_line_number;
  if (x_line.ends_with('\r')) x_line.pop_back();
  split(x_line, x_fields);
  return true;
}

Error TraceReader::bad_line(const std::string& message) const {
  return make_error(ErrorCode::invalid_request,
                    x_path + ":" + std::to_string(x_line_number) + ": " + message);
}

std::optional<std::size_t> TraceReader::find_column(const std::string& name) const {
  const auto found = std::find(x_fields.begin(), x_fields.end(), name);
  if (found == x_fields.end()) return std::nullopt;
  return static_cast<std::size_t>(found - x_fields.begin());
}

Result<std::optional<std::uint32_t>> TraceReader::read_tokens(
    std::optional<std::size_t> column) const {
  if (!column) return std::optional<std::uint32_t>{};
  std::uint32_t tokens = 0;
  const bool is_number = *column < x_fields.size() && read_number(x_fields[*column], tokens);
  if (!is_number || tokens > trace_tokens_max) {
    return bad_line("there is no number of tokens from 0 to " + std::to_string(trace_tokens_max));
  }
  return std::optional<std::uint32_t>{tokens};
}

Result<std::optional<TraceRow>> TraceReader::next() {
  do {
    if (!read_line()) return std::optional<TraceRow>{};
  } while (x_line.empty());
  if (x_line.size() > line_bytes_max) return bad_line("the line is too long");
  if (x_columns.time >= x_fields.size()) return bad_line("the time is missing");
  const std::string_view text = x_fields[x_columns.time];
  const auto at =
      x_time_unit == Duration::zero() ? parse_calendar(text) : parse_amount(text, x_time_unit);
  if (!at) return bad_line("\"" + std::string{text.substr(0, 64)} + "\" is no time");
  if (x_last && *at < *x_last) return bad_line("the rows are not in the order of their times");
  x_last = at;
  TraceRow row{*at, {}, {}};
  auto tokens_in = read_tokens(x_columns.tokens_in);
  if (tokens_in.has_error()) return tokens_in.error();
  row.tokens_in = *tokens_in;
  auto tokens_out = read_tokens(x_columns.tokens_out);
  if (tokens_out.has_error()) return tokens_out.error();
  row.tokens_out = *tokens_out;
  return std::optional<TraceRow>{row};
}

}  // namespace signalbox::sim
