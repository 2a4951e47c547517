// The lines of a file that has been read whole.
#pragma once

#include <algorithm>
#include <string_view>

namespace signalbox::cli {

/// Takes the first line off `text`. @returns it without its end, which is LF or CR LF or the
/// text's.
/// @pre text is not empty.
inline std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace signalbox::cli
