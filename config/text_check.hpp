// Looks at the raw text for what yaml-cpp lets pass: bytes that are not UTF-8, and quotes that
// never close.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace signalbox::config {

struct BadText {
  /// 1-based.
  std::size_t line = 1;
  std::size_t column = 1;
  std::string message;
};

/// @returns the first byte that is no part of UTF-8 text, or a NUL (UTF-16 has them), or nothing.
std::optional<BadText> find_bad_text(std::string_view text);

/// @returns the offset of each line's first byte.
std::vector<std::size_t> find_line_starts(std::string_view text);

/// @returns false when a quote opens at offset `at` and no later one closes it. yaml-cpp 0.7 takes
/// the rest of the file for the value then.
bool is_quote_closed(std::string_view text, std::size_t at);

}  // namespace signalbox::config
