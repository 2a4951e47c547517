// Members of a body as the values they should be, or an error that names the member.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/read_number.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::http {

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

}  // namespace signalbox::http
