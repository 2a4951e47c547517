#include "core/base/field_text.hpp"

#include <charconv>
#include <cstddef>

namespace signalbox {

std::string encode_fields(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    text += name + "=" + std::to_string(value.size()) + ":" + value;
  }
  return text;
}

std::optional<Fields> decode_fields(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const std::size_t equals = text.find('=');
    const std::size_t colon = text.find(':', equals == std::string_view::npos ? 0 : equals);
    if (equals == std::string_view::npos || colon == std::string_view::npos) return std::nullopt;
    std::size_t size = 0;
    const auto read = std::from_chars(text.data() + equals + 1, text.data() + colon, size);
    if (read.ec != std::errc{} || read.ptr != text.data() + colon) return std::nullopt;
    if (size > text.size() - colon - 1) return std::nullopt;
    fields.emplace_back(text.substr(0, equals), text.substr(colon + 1, size));
    text.remove_prefix(colon + 1 + size);
  }
  return fields;
}

}  // namespace signalbox
