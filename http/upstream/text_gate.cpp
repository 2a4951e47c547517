#include "http/upstream/text_gate.hpp"

#include <algorithm>
#include <utility>

namespace signalbox::http {

std::string TextGate::feed(std::string_view piece) {
  x_held += piece;
  std::size_t end = std::string::npos;
  for (const std::string& stop : x_stops) end = std::min(end, x_held.find(stop));
  x_stopped = end != std::string::npos;
  if (!x_stopped)
    end = x_held.size() - std::max(stop_prefix_size(), unfinished_character_size(x_held));
  std::string out = x_held.substr(0, end);
  x_held.erase(0, x_stopped ? std::string::npos : end);
  return out;
}

std::string TextGate::finish() {
  return std::exchange(x_held, std::string());
}

std::size_t TextGate::stop_prefix_size() const {
  std::size_t longest = 0;
  const std::string_view held = x_held;
  for (const std::string& stop : x_stops) {
    for (std::size_t size = std::min(stop.size() - 1, held.size()); size > longest; --size)
      if (stop.starts_with(held.substr(held.size() - size))) longest = size;
  }
  return longest;
}

std::size_t unfinished_character_size(std::string_view text) {
  for (std::size_t size = 1; size <= std::min<std::size_t>(text.size(), 3); ++size) {
    const auto byte = static_cast<unsigned char>(text[text.size() - size]);
    if ((byte & 0xC0U) == 0x80U) continue;
    const std::size_t length = byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
    return length > size ? size : 0;
  }
  return 0;
}

}  // namespace signalbox::http
