#include "cli/client/table.hpp"

#include <algorithm>

namespace signalbox::cli {
namespace {

constexpr std::size_t gap = 2;
/// Narrower than this a column says nothing any more.
constexpr std::size_t shortened_min = 8;

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

std::size_t total_width(const std::vector<std::size_t>& widths) {
  std::size_t total = widths.empty() ? 0 : (widths.size() - 1) * gap;
  for (const std::size_t width : widths) total += width;
  return total;
}

/// Takes from the widest column but the first, which is what people copy, until the row fits.
void fit(std::vector<std::size_t>& widths, std::size_t width_max) {
  while (widths.size() > 1 && total_width(widths) > width_max) {
    const auto widest = std::max_element(widths.begin() + 1, widths.end());
    if (*widest <= shortened_min) return;
    --*widest;
  }
}

std::string shown(const std::string& cell) {
  return cell.empty() ? "-" : cell;
}

std::string format_line(const std::vector<std::string>& cells,
                        const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t column = 0; column < cells.size(); ++column) {
    const std::string cell = shorten(shown(cells[column]), widths[column]);
    line += cell;
    if (column + 1 == cells.size()) break;
    line.append(widths[column] - count_characters(cell) + gap, ' ');
  }
  return line + "\n";
}

}  // namespace

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); }));
}

std::string shorten(const std::string& text, std::size_t width) {
  if (count_characters(text) <= width) return text;
  std::size_t end = 0;
  for (std::size_t shown = 0; end < text.size(); ++end) {
    if (is_continuation(text[end])) continue;
    if (shown + 1 == width) break;
    ++shown;
  }
  return text.substr(0, end) + "…";
}

std::vector<std::size_t> widths_of(const std::vector<std::string>& headers,
                                   const std::vector<std::vector<std::string>>& rows,
                                   const TableOptions& options) {
  std::vector<std::size_t> widths = options.widths_min;
  widths.resize(headers.size(), 0);
  const auto widen = [&widths](const std::vector<std::string>& cells) {
    for (std::size_t column = 0; column < cells.size(); ++column) {
      widths[column] = std::max(widths[column], count_characters(shown(cells[column])));
    }
  };
  if (options.headers) widen(headers);
  for (const auto& row : rows) widen(row);
  if (options.width_max > 0) fit(widths, options.width_max);
  return widths;
}

std::string format_table(const std::vector<std::string>& headers,
                         const std::vector<std::vector<std::string>>& rows,
                         const TableOptions& options) {
  const auto widths = widths_of(headers, rows, options);
  std::string text;
  if (options.headers) text += format_line(headers, widths);
  for (const auto& row : rows) text += format_line(row, widths);
  return text;
}

std::string format_age(std::chrono::milliseconds age) {
  const auto seconds = std::max<std::int64_t>(age.count() / 1000, 0);
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 7200) return std::to_string(seconds / 60) + "m";
  if (seconds < 172'800) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

}  // namespace signalbox::cli
