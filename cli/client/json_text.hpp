// JSON for people to read: indented, and cut where it is long.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace signalbox::cli {

/// @pre check_json(json). @returns it over several lines, two blanks per level, safe for a
/// terminal, without a last line end. Strings and numbers stay as they are written.
std::string indent_json(std::string_view json);

/// @returns the first `lines_max` lines, each with at most `width_max` characters; a last line says
/// how many bytes `text` has when any of it is left out.
std::string shorten_text(std::string_view text, std::size_t lines_max, std::size_t width_max);

/// @returns `text` with `count` blanks before each line that is not empty.
std::string indent_lines(std::string_view text, std::size_t count);

}  // namespace signalbox::cli
