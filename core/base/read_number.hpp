// Numbers out of text, locale-free.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace signalbox {

/// @returns whether `text` is a number of that type from its first byte to its last.
template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

}  // namespace signalbox
