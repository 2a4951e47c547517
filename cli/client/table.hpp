// Plain tables for people: upper-case headers, two blanks between columns, no lines, no colour.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace signalbox::cli {

struct TableOptions {
  bool headers = true;
  /// Columns of the terminal; wider rows are shortened with an ellipsis. 0 = no terminal, never
  /// shorten.
  std::size_t width_max = 0;
  /// Columns at least so wide; empty = as their cells are.
  std::vector<std::size_t> widths_min = {};
};

/// @param rows each with as many cells as `headers`. An empty cell is shown as "-".
/// @returns the lines, each with its line end; the header line also when there are no rows.
std::string format_table(const std::vector<std::string>& headers,
                         const std::vector<std::vector<std::string>>& rows,
                         const TableOptions& options = {});

/// @returns the columns' widths in that table.
std::vector<std::size_t> widths_of(const std::vector<std::string>& headers,
                                   const std::vector<std::vector<std::string>>& rows,
                                   const TableOptions& options);

/// @returns `text` with an ellipsis for what is beyond `width` characters.
std::string shorten(const std::string& text, std::size_t width);

/// @returns how many characters a UTF-8 text has; each counts one column.
std::size_t count_characters(std::string_view text);

/// @returns "7s", "3m", "5h", "9d": the largest unit of which there are at least two, at most days.
/// Below zero (clocks differ) is "0s".
std::string format_age(std::chrono::milliseconds age);

}  // namespace signalbox::cli
