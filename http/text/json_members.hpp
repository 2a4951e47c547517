// JSON as raw text: where the members of an object are, and how to change one of them while every
// other byte stays as the caller wrote it. Numbers, spacing and key order of a request survive the
// broker because nothing is printed anew.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace signalbox::http {

/// One member of an object. Offsets count from the start of the scanned text.
struct Member {
  /// Unescaped.
  std::string name;
  /// The value's raw bytes, without white space around it.
  std::string_view value;
  /// Offset of the name's opening quote.
  std::size_t begin = 0;
  /// One past the value's last byte.
  std::size_t end = 0;
};

/// Deepest nesting accepted.
inline constexpr std::size_t json_depth_max = 128;

/// @returns invalid_json with a reason and an offset unless `text` is one well-formed JSON value
/// (UTF-8 included).
Result<void> check_json(std::string_view text);

/// Members in text order.
/// @returns invalid_json when `text` is malformed or no object; invalid_request with the name as
/// `param` when a name occurs twice at the top level (parsers disagree on which one counts).
Result<std::vector<Member>> scan_object(std::string_view text);

/// As scan_object(), trusting the text and keeping duplicates. @pre check_json(text). Empty when it
/// is no object.
std::vector<Member> members_of(std::string_view object);

/// @pre check_json(array). Empty when it is no array.
std::vector<std::string_view> elements_of(std::string_view array);

/// @returns the last member of that name, or null.
const Member* find_member(std::span<const Member> members, std::string_view name);

/// @returns the raw value of the last member of that name, or an empty view. @pre
/// check_json(object).
std::string_view value_of(std::string_view object, std::string_view name);

/// @returns the string behind a raw JSON string, or nothing when `raw` is no string. @pre
/// check_json(raw). A lone surrogate becomes U+FFFD.
std::optional<std::string> unquote(std::string_view raw);

/// @returns `text` as a JSON string. Bytes that are not UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

struct Edit {
  std::string name;
  /// Raw JSON; nothing = take the member out.
  std::optional<std::string> value;
};

/// Replaces, adds (at the end) or removes members; all other bytes stay. @pre `members` is the scan
/// of `body`.
std::string splice(std::string_view body, std::span<const Member> members,
                   std::span<const Edit> edits);

/// @pre `body` is a well-formed JSON object.
std::string splice(std::string_view body, std::span<const Edit> edits);

}  // namespace signalbox::http
