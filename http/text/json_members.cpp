#include "http/text/json_members.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cstdint>
#include <unordered_set>

namespace signalbox::http {

namespace {

namespace json = boost::json;

/// Takes every event and keeps nothing: the parser alone decides whether the text is well-formed.
struct NullHandler {
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t, json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_key(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

/// @pre text[at] is the opening quote of a well-formed string. @returns one past the closing one.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    at = text.find_first_of("\"\\", at);
    if (at == std::string_view::npos) return text.size();
    if (text[at] == '"') return at + 1;
    ++at;
  }
  return text.size();
}

/// @pre a well-formed value starts at `at`. @returns one past it.
std::size_t skip_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] != '{' && text[at] != '[') {
    const auto end = text.find_first_of(",]} \t\r\n", at);
    return end == std::string_view::npos ? text.size() : end;
  }
  std::size_t depth = 0;
  while (at < text.size()) {
    at = text.find_first_of("\"{}[]", at);
    if (at == std::string_view::npos) return text.size();
    if (text[at] == '"') {
      at = skip_string(text, at);
      continue;
    }
    const bool opens = text[at] == '{' || text[at] == '[';
    ++at;
    if (opens) {
      ++depth;
    } else if (--depth == 0) {
      return at;
    }
  }
  return text.size();
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// @returns the four hex digits at `at`, or nothing when they are not there.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(at, 4)) {
    const auto lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      value = value * 16 + static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value * 16 + static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

/// Appends the character behind `\uXXXX` whose digits start at `at`. @returns one past what was
/// used.
std::size_t append_unicode_escape(std::string& out, std::string_view text, std::size_t at) {
  std::uint32_t code = hex4(text, at).value_or(0xFFFD);
  at += 4;
  if (code >= 0xD800 && code < 0xDC00 && text.substr(std::min(at, text.size()), 2) == "\\u") {
    const auto low = hex4(text, at + 2);
    if (low && *low >= 0xDC00 && *low < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00);
      at += 6;
    }
  }
  if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
  append_utf8(out, code);
  return at;
}

/// @returns the length of the UTF-8 character at `at`, 0 when the bytes there are none (overlong,
/// surrogate, cut).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(at);
  const unsigned second = byte(at + 1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(at + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool fits = (first != 0xE0 || second >= 0xA0) && (first != 0xED || second < 0xA0);
    return fits && follows(at + 1) && follows(at + 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool fits = (first != 0xF0 || second >= 0x90) && (first != 0xF4 || second < 0x90);
    return fits && follows(at + 1) && follows(at + 2) && follows(at + 3) ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += hex[static_cast<unsigned char>(c) >> 4];
  out += hex[static_cast<unsigned char>(c) & 0xF];
}

const Edit* find_edit(std::span<const Edit> edits, std::string_view name) {
  for (const Edit& edit : edits)
    if (edit.name == name) return &edit;
  return nullptr;
}

}  // namespace

Result<void> check_json(std::string_view text) {
  if (skip_space(text, 0) == text.size())
    return make_error(ErrorCode::invalid_json, "JSON is expected, but there is nothing");
  json::parse_options options;
  options.max_depth = json_depth_max;
  json::basic_parser<NullHandler> parser(options);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && skip_space(text, used) != text.size()) error = json::error::extra_data;
  if (!error) return {};
  return make_error(ErrorCode::invalid_json, "not valid JSON: " + error.message() + " at byte " +
                                                 std::to_string(std::min(used, text.size())));
}

Result<std::vector<Member>> scan_object(std::string_view text) {
  if (const auto checked = check_json(text); !checked) return checked.error();
  if (text[skip_space(text, 0)] != '{')
    return make_error(ErrorCode::invalid_json, "a JSON object is expected");
  auto members = members_of(text);
  std::unordered_set<std::string_view> seen;
  for (const Member& member : members)
    if (!seen.insert(member.name).second)
      return make_error(ErrorCode::invalid_request, "'" + member.name + "' is given twice")
          .at_param(member.name);
  return members;
}

std::vector<Member> members_of(std::string_view object) {
  std::vector<Member> members;
  std::size_t at = skip_space(object, 0);
  if (at >= object.size() || object[at] != '{') return members;
  for (at = skip_space(object, at + 1); at < object.size() && object[at] == '"';) {
    Member member;
    member.begin = at;
    at = skip_string(object, at);
    const std::string_view name = object.substr(member.begin, at - member.begin);
    if (name.find('\\') == std::string_view::npos) {
      member.name = name.substr(1, name.size() - 2);
    } else {
      member.name = unquote(name).value_or(std::string());
    }
    // Past the colon.
    at = skip_space(object, skip_space(object, at) + 1);
    member.end = skip_value(object, at);
    if (at < object.size()) member.value = object.substr(at, member.end - at);
    at = skip_space(object, member.end);
    members.push_back(std::move(member));
    if (at < object.size() && object[at] == ',') at = skip_space(object, at + 1);
  }
  return members;
}

std::vector<std::string_view> elements_of(std::string_view array) {
  std::vector<std::string_view> elements;
  std::size_t at = skip_space(array, 0);
  if (at >= array.size() || array[at] != '[') return elements;
  for (at = skip_space(array, at + 1); at < array.size() && array[at] != ']';) {
    const std::size_t end = skip_value(array, at);
    elements.push_back(array.substr(at, end - at));
    at = skip_space(array, end);
    if (at < array.size() && array[at] == ',') at = skip_space(array, at + 1);
  }
  return elements;
}

const Member* find_member(std::span<const Member> members, std::string_view name) {
  for (auto it = members.rbegin(); it != members.rend(); ++it)
    if (it->name == name) return &*it;
  return nullptr;
}

std::string_view value_of(std::string_view object, std::string_view name) {
  const auto members = members_of(object);
  const Member* member = find_member(members, name);
  return member == nullptr ? std::string_view() : member->value;
}

std::optional<std::string> unquote(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return std::nullopt;
  const std::string_view text = raw.substr(1, raw.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t escape = text.find('\\', at);
    out += text.substr(at, escape - at);
    if (escape == std::string_view::npos || escape + 1 >= text.size()) break;
    at = escape + 2;
    switch (text[escape + 1]) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u':
        at = append_unicode_escape(out, text, at);
        break;
      default:
        out += text[escape + 1];
        break;
    }
  }
  return out;
}

std::string json_quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') {
      append_escaped(out, c);
      ++at;
    } else if (const std::size_t length = utf8_length(text, at); length > 0) {
      out += text.substr(at, length);
      at += length;
    } else {
      out += "\xEF\xBF\xBD";
      ++at;
    }
  }
  out += '"';
  return out;
}

std::string splice(std::string_view body, std::span<const Member> members,
                   std::span<const Edit> edits) {
  const std::size_t open = body.find('{');
  SIGNALBOX_ASSERT(open != std::string_view::npos);
  std::string out;
  out.reserve(body.size() + 64);
  out += body.substr(0, members.empty() ? open + 1 : members.front().begin);
  bool first = true;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Member& member = members[i];
    const Edit* edit = find_edit(edits, member.name);
    if (edit != nullptr && !edit->value) continue;
    // What stands before a member, its comma included, stays or goes with it.
    if (!first) out += body.substr(members[i - 1].end, member.begin - members[i - 1].end);
    first = false;
    if (edit == nullptr) {
      out += body.substr(member.begin, member.end - member.begin);
    } else {
      out += body.substr(member.begin, member.end - member.value.size() - member.begin);
      out += *edit->value;
    }
  }
  for (const Edit& edit : edits) {
    if (!edit.value || find_member(members, edit.name) != nullptr) continue;
    if (!first) out += ',';
    first = false;
    out += json_quote(edit.name) + ':' + *edit.value;
  }
  out += body.substr(members.empty() ? open + 1 : members.back().end);
  return out;
}

std::string splice(std::string_view body, std::span<const Edit> edits) {
  return splice(body, members_of(body), edits);
}

}  // namespace signalbox::http
