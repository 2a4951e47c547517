// Fetched rows as the text that was asked for: a table, JSON or names.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/show/fetch.hpp"
#include "core/base/time.hpp"

namespace signalbox::cli {

/// @param width columns of the terminal, 0 = none: rows are shown whole.
std::string render(const Fetched& fetched, const GetOptions& options, WallTime now,
                   std::size_t width);

/// What `--watch` prints where nothing can be repainted: each row when it is new, and again when
/// what is shown of it changed. An age that only grew is no change.
class ChangedRows {
 public:
  explicit ChangedRows(const GetOptions& options) : x_options{options} {}

  /// @returns the lines to print, with the header before the first.
  std::string take(const std::vector<std::string>& rows, WallTime now);

 private:
  std::string take_table(const std::vector<std::string>& rows, WallTime now);

  const GetOptions& x_options;
  /// What was shown last, by name.
  std::map<std::string, std::string> x_shown;
  /// Columns only grow, so that later rows stand below earlier ones.
  std::vector<std::size_t> x_widths;
  bool x_has_header = false;
};

/// @returns `text` cut to `width` columns and `height` lines, the last of them saying how many more
/// there are. What does not fit could not be painted over.
std::string fit_screen(std::string_view text, std::size_t width, std::size_t height);

}  // namespace signalbox::cli
