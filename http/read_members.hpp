// Members of a body as the values they should be, or an error that names the member.
#pragma once

#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "http/json_members.hpp"

namespace signalbox::http {

inline Error invalid_request(std::string message, std::string param) {
  return make_error(ErrorCode::invalid_request, std::move(message)).at_param(std::move(param));
}

/// @returns the member unless it is not there or null.
inline const Member* find_given(std::span<const Member> members, std::string_view name) {
  const Member* member = find_member(members, name);
  return member != nullptr && member->value != "null" ? member : nullptr;
}

/// @returns the string, nothing when it is not given, or invalid_request when it is no string.
inline Result<std::optional<std::string>> read_string(std::span<const Member> members,
                                                      const std::string& name) {
  const Member* member = find_given(members, name);
  if (member == nullptr) return std::optional<std::string>{};
  auto text = unquote(member->value);
  if (!text) return invalid_request(name + " must be a string", name);
  return text;
}

/// @returns whether `text` is a number of that type from its first byte to its last.
template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

}  // namespace signalbox::http
