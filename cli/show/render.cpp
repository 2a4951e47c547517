#include "cli/show/render.hpp"

#include <algorithm>

#include "cli/client/table.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

std::string to_json_list(const Fetched& fetched, const GetOptions& options) {
  if (options.name || !options.resource->has_pages()) return fetched.body + "\n";
  std::string text = "{\"" + options.resource->list_member + "\":[";
  for (std::size_t index = 0; index < fetched.rows.size(); ++index) {
    text += (index > 0 ? "," : "") + fetched.rows[index];
  }
  return text + "],\"next_cursor\":" + fetched.next_cursor + "}\n";
}

std::string name_of(const std::string& row, const GetOptions& options) {
  const auto name = http::unquote(http::value_of(row, options.resource->name_member));
  return to_printable(name.value_or("-"));
}

std::string to_line(const std::string& row, const GetOptions& options) {
  return (options.format == OutputFormat::name ? name_of(row, options) : row) + "\n";
}

std::vector<std::vector<std::string>> cells_of_all(const std::vector<std::string>& rows,
                                                   const GetOptions& options, WallTime now) {
  const bool is_wide = options.format == OutputFormat::wide;
  std::vector<std::vector<std::string>> cells;
  cells.reserve(rows.size());
  for (const std::string& row : rows) {
    cells.push_back(cells_of(*options.resource, row, is_wide, now));
  }
  return cells;
}

std::string to_table(const Fetched& fetched, const GetOptions& options, WallTime now,
                     std::size_t width) {
  const bool is_wide = options.format == OutputFormat::wide;
  return format_table(headers_of(*options.resource, is_wide),
                      cells_of_all(fetched.rows, options, now),
                      {options.headers, is_wide ? 0 : width, {}});
}

bool is_table(OutputFormat format) {
  return format == OutputFormat::table || format == OutputFormat::wide;
}

/// What of the row counts as a change. In a table ages are left out: they change by themselves.
std::string mark_of(const std::string& row, const GetOptions& options) {
  if (!is_table(options.format)) return to_line(row, options);
  // At the beginning of time every age is zero.
  std::string mark;
  for (const std::string& cell :
       cells_of(*options.resource, row, options.format == OutputFormat::wide, WallTime{})) {
    mark += cell + '\n';
  }
  return mark;
}

}  // namespace

std::string render(const Fetched& fetched, const GetOptions& options, WallTime now,
                   std::size_t width) {
  switch (options.format) {
    case OutputFormat::json:
      return to_json_list(fetched, options);
    case OutputFormat::jsonl:
    case OutputFormat::name: {
      std::string text;
      for (const std::string& row : fetched.rows) text += to_line(row, options);
      return text;
    }
    case OutputFormat::table:
    case OutputFormat::wide:
      break;
  }
  return to_table(fetched, options, now, width);
}

std::string ChangedRows::take(const std::vector<std::string>& rows, WallTime now) {
  std::vector<std::string> changed;
  std::map<std::string, std::string> shown;
  for (const std::string& row : rows) {
    const std::string name = name_of(row, x_options);
    std::string mark = mark_of(row, x_options);
    const auto before = x_shown.find(name);
    if (before == x_shown.end() || before->second != mark) changed.push_back(row);
    shown[name] = std::move(mark);
  }
  x_shown = std::move(shown);
  if (is_table(x_options.format)) return take_table(changed, now);
  std::string text;
  for (const std::string& row : changed) text += to_line(row, x_options);
  return text;
}

std::string ChangedRows::take_table(const std::vector<std::string>& rows, WallTime now) {
  const bool is_wide = x_options.format == OutputFormat::wide;
  const auto cells = cells_of_all(rows, x_options, now);
  const auto headers = headers_of(*x_options.resource, is_wide);
  x_widths = widths_of(headers, cells, {x_options.headers, 0, x_widths});
  const bool wants_header = x_options.headers && !x_has_header;
  x_has_header = true;
  return format_table(headers, cells, {wants_header, 0, x_widths});
}

std::string fit_screen(std::string_view text, std::size_t width, std::size_t height) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(shorten(std::string{text.substr(begin, end - begin)}, width));
    begin = end + 1;
  }
  std::string fitted;
  const bool fits = lines.size() <= height;
  const std::size_t shown = fits ? lines.size() : std::max<std::size_t>(height, 1) - 1;
  for (std::size_t line = 0; line < shown; ++line) fitted += lines[line] + "\n";
  if (!fits) fitted += shorten(std::to_string(lines.size() - shown) + " more", width) + "\n";
  return fitted;
}

}  // namespace signalbox::cli
