#include "http/edge/request_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <utility>

#include "core/base/hex.hpp"

namespace signalbox::http {

namespace {

/// Method, two spaces, version and line end around a target of the longest allowed size.
constexpr std::size_t request_line_bytes_max = target_bytes_max + method_bytes_max + 12;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token_char(char c) {
  return is_alphanumeric(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

Refusal refuse(int status, ErrorCode code, std::string message) {
  return Refusal{.status = status, .code = code, .message = std::move(message)};
}

Refusal bad_request(std::string message) {
  return refuse(400, ErrorCode::invalid_request, std::move(message));
}

/// Names that an upstream layer could take for facts about the connection (CVE-2025-66570), and
/// Range: every answer of ours is whole.
bool is_dropped(std::string_view name) {
  const auto starts_with = [&](std::string_view prefix) {
    return name.size() >= prefix.size() &&
           equals_ignoring_case(name.substr(0, prefix.size()), prefix);
  };
  return starts_with("remote_") || starts_with("local_") || equals_ignoring_case(name, "range");
}

/// @returns whether the comma-separated `list` names `word`.
bool list_names(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (equals_ignoring_case(trim(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

/// Visible ASCII without fragment, and every % followed by two hex digits.
bool is_target(std::string_view target) {
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    if (c <= ' ' || c > '~' || c == '#') return false;
    if (c != '%') continue;
    if (i + 2 >= target.size()) return false;
    if (hex_value(target[i + 1]) < 0 || hex_value(target[i + 2]) < 0) return false;
  }
  return !target.empty();
}

/// Host and optional port. Commas, slashes and @ would let two hosts pass as one.
bool is_authority(std::string_view text) {
  const auto fits = [](char c) {
    return is_alphanumeric(c) || std::string_view("-._~:[]%").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// Reads one head, top to bottom; each step returns what is wrong, or nothing.
class HeadParser {
 public:
  HeadParser(std::string_view head, std::size_t body_bytes_max)
      : x_rest(head), x_body_bytes_max(body_bytes_max) {}

  Checked<RequestHead> parse() {
    using Step = std::optional<Refusal> (HeadParser::*)();
    static constexpr std::array<Step, 6> steps = {
        &HeadParser::read_request_line, &HeadParser::read_headers,  &HeadParser::check_target,
        &HeadParser::check_connection,  &HeadParser::check_framing, &HeadParser::check_body_sense};
    for (const auto step : steps) {
      if (auto refusal = (this->*step)()) return std::move(*refusal);
    }
    return std::move(x_head);
  }

 private:
  std::string_view next_line() {
    const auto end = std::min(x_rest.find("\r\n"), x_rest.size());
    const auto line = x_rest.substr(0, end);
    x_rest.remove_prefix(std::min(end + 2, x_rest.size()));
    return line;
  }

  std::optional<Refusal> read_request_line() {
    const auto line = next_line();
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
      return bad_request("The request line is not `method target version`.");
    }
    const auto method = line.substr(0, first);
    const auto version = line.substr(last + 1);
    x_target = line.substr(first + 1, last - first - 1);
    if (!is_token(method) || method.size() > method_bytes_max) {
      return bad_request("The method is not a token.");
    }
    if (x_target.size() > target_bytes_max) {
      return refuse(414, ErrorCode::invalid_request, "The request target is too long.");
    }
    if (!is_target(x_target)) {
      return bad_request("The request target has a character that is not allowed in one.");
    }
    if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
        version[6] != '.' || !is_digit(version[7])) {
      return bad_request("The request line does not end with an HTTP version.");
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
      return refuse(505, ErrorCode::invalid_request, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    }
    x_head.method = method;
    x_head.minor_version = version[7] - '0';
    return std::nullopt;
  }

  std::optional<Refusal> read_headers() {
    std::size_t count = 0;
    for (auto line = next_line(); !line.empty(); line = next_line()) {
      if (++count > header_count_max) {
        return refuse(431, ErrorCode::invalid_request, "The request has too many headers.");
      }
      if (line.front() == ' ' || line.front() == '\t') {
        return bad_request("A header is folded over two lines.");
      }
      const auto colon = line.find(':');
      if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        return bad_request("A header is not `name: value`.");
      }
      const auto name = line.substr(0, colon);
      const auto value = trim(line.substr(colon + 1));
      if (!is_field_value(value)) return bad_request("A header has a control character.");
      if (!is_dropped(name)) x_head.headers.emplace_back(name, value);
    }
    return std::nullopt;
  }

  /// Sets path and query. @returns a refusal also when Host and an absolute target disagree: the
  /// layer above decides by Host who may ask (DNS rebinding), so there must be one truth.
  std::optional<Refusal> check_target() {
    const auto hosts = count("host");
    if (hosts > 1) return bad_request("The request has more than one Host.");
    if (hosts == 0 && x_head.minor_version > 0) return bad_request("The request has no Host.");
    const auto* host = find_header(x_head.headers, "host");
    if (host && !is_authority(*host)) return bad_request("Host is not a host.");

    if (x_head.method == "CONNECT") {
      return refuse(501, ErrorCode::method_not_allowed, "This is no proxy.");
    }
    if (x_target == "*" && x_head.method == "OPTIONS") {
      x_head.path = "*";
      return std::nullopt;
    }
    if (x_target.size() > 7 && equals_ignoring_case(x_target.substr(0, 7), "http://")) {
      const auto authority_end = std::min(x_target.find_first_of("/?", 7), x_target.size());
      const auto authority = x_target.substr(7, authority_end - 7);
      if (!host || !equals_ignoring_case(authority, *host)) {
        return bad_request("The request target and Host name different hosts.");
      }
      x_target.remove_prefix(authority_end);
    } else if (x_target.front() != '/') {
      return bad_request("The request target is not a path.");
    }
    const auto question_mark = std::min(x_target.find('?'), x_target.size());
    x_head.path = question_mark == 0 ? "/" : x_target.substr(0, question_mark);
    if (question_mark < x_target.size()) x_head.query = x_target.substr(question_mark + 1);
    return std::nullopt;
  }

  std::optional<Refusal> check_connection() {
    bool close = false;
    bool keep_alive = false;
    for (const auto& [name, value] : x_head.headers) {
      if (equals_ignoring_case(name, "connection")) {
        close = close || list_names(value, "close");
        keep_alive = keep_alive || list_names(value, "keep-alive");
      } else if (equals_ignoring_case(name, "expect")) {
        if (!equals_ignoring_case(value, "100-continue")) {
          return refuse(417, ErrorCode::invalid_request, "Only `Expect: 100-continue` is known.");
        }
        x_head.expects_continue = x_head.minor_version > 0;
      }
    }
    x_head.keep_alive = !close && (x_head.minor_version > 0 || keep_alive);
    return std::nullopt;
  }

  /// RFC 9112 6.3, with every choice it leaves to the server made the strict way.
  std::optional<Refusal> check_framing() {
    const auto* length = find_header(x_head.headers, "content-length");
    const auto* encoding = find_header(x_head.headers, "transfer-encoding");
    if (length && encoding) {
      return bad_request("Content-Length and Transfer-Encoding exclude each other.");
    }
    if (count("content-length") > 1) return bad_request("There is more than one Content-Length.");
    if (count("transfer-encoding") > 1 ||
        (encoding && !equals_ignoring_case(*encoding, "chunked"))) {
      return bad_request("The only Transfer-Encoding known is `chunked`.");
    }
    if (encoding && x_head.minor_version == 0) {
      return bad_request("HTTP/1.0 has no Transfer-Encoding.");
    }
    x_head.chunked = encoding != nullptr;
    if (!length) return std::nullopt;
    if (length->empty() || !std::all_of(length->begin(), length->end(), is_digit)) {
      return bad_request("Content-Length is not a number.");
    }
    const auto* const end = length->data() + length->size();
    const auto [stop, error] = std::from_chars(length->data(), end, x_head.content_length);
    if (error != std::errc{} || stop != end || x_head.content_length > x_body_bytes_max) {
      return refuse(413, ErrorCode::body_too_large, "The request body is too large.");
    }
    return std::nullopt;
  }

  /// Whether this method with this body makes sense at all.
  std::optional<Refusal> check_body_sense() {
    const bool has_body = x_head.chunked || x_head.content_length > 0;
    if (has_body && is_any_of(x_head.method, {"GET", "HEAD", "OPTIONS", "TRACE"})) {
      return bad_request("A request of this method has no body.");
    }
    // Decompressing for a stranger is how 200 KB become 200 MB (CVE-2026-22776).
    if (count("content-encoding") > 0) {
      return refuse(415, ErrorCode::unsupported_media_type,
                    "Encoded request bodies are not taken.");
    }
    return std::nullopt;
  }

  [[nodiscard]] std::size_t count(std::string_view name) const {
    const auto matches = [&](const auto& header) {
      return equals_ignoring_case(header.first, name);
    };
    return static_cast<std::size_t>(
        std::count_if(x_head.headers.begin(), x_head.headers.end(), matches));
  }

  std::string_view x_rest;
  std::string_view x_target;
  std::size_t x_body_bytes_max;
  RequestHead x_head;
};

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

const std::string* find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equals_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

Checked<std::size_t> find_head_end(std::string_view bytes, std::size_t& scanned) {
  // A TLS handshake or other noise is told at once, not after the deadline.
  if (!bytes.empty() && !is_token_char(bytes.front())) {
    return bad_request("The request does not begin with a method.");
  }
  for (;;) {
    const auto feed = bytes.find('\n', scanned);
    if (feed == std::string_view::npos) break;
    if (bytes[feed - 1] != '\r') return bad_request("A line does not end with CR LF.");
    if (feed >= head_bytes_max) break;
    scanned = feed + 1;
    if (bytes[feed - 2] == '\n') return {boost::system::in_place_value, scanned};
  }
  if (bytes.size() > request_line_bytes_max &&
      bytes.substr(0, request_line_bytes_max).find('\n') == std::string_view::npos) {
    return refuse(414, ErrorCode::invalid_request, "The request target is too long.");
  }
  if (bytes.size() > head_bytes_max) {
    return refuse(431, ErrorCode::invalid_request, "The request head is too large.");
  }
  scanned = bytes.size();
  return {boost::system::in_place_value, std::size_t{0}};
}

Checked<RequestHead> parse_request_head(std::string_view head, std::size_t body_bytes_max) {
  return HeadParser(head, body_bytes_max).parse();
}

}  // namespace signalbox::http
