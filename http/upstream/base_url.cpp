#include "http/upstream/base_url.hpp"

#include <algorithm>
#include <charconv>

namespace signalbox::http {

namespace {

Error bad(std::string_view text, std::string_view why) {
  // A URL with a password in it must not reach the log.
  const std::string shown =
      text.find('@') == std::string_view::npos ? "'" + std::string(text) + "' " : std::string();
  return make_error(ErrorCode::invalid_request, "the URL " + shown + std::string(why));
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_ipv6_byte(char c) {
  return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

/// @returns false when `text` is no port.
bool read_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

/// Splits "host", "host:port" and "[v6]:port". @returns what is wrong, or an empty view.
std::string_view read_authority(std::string_view authority, BaseUrl& base) {
  std::string_view rest;
  if (!authority.empty() && authority.front() == '[') {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return "has an IPv6 address without its closing bracket";
    base.host = lowered(authority.substr(1, close - 1));
    rest = authority.substr(close + 1);
    if (base.host.find(':') == std::string::npos ||
        !std::all_of(base.host.begin(), base.host.end(), is_ipv6_byte))
      return "has no IPv6 address between its brackets";
  } else {
    const auto colon = authority.find(':');
    base.host = lowered(authority.substr(0, colon));
    if (colon != std::string_view::npos) rest = authority.substr(colon);
    if (base.host.empty()) return "names no host";
    if (!std::all_of(base.host.begin(), base.host.end(), is_host_byte))
      return "has a byte in its host name that cannot be there";
  }
  if (rest.empty()) return {};
  if (rest.front() != ':' || !read_port(rest.substr(1), base.port))
    return "needs a port of 1 to 65535 after its host";
  return {};
}

bool ends_in_v1(std::string_view prefix) {
  return prefix.size() >= 3 && prefix.substr(prefix.size() - 3) == "/v1";
}

}  // namespace

Result<BaseUrl> parse_base_url(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      return make_error(ErrorCode::invalid_request,
                        "the URL holds a space, a control byte or a byte outside ASCII");
  BaseUrl base;
  const auto colon = text.find("://");
  const std::string scheme = lowered(text.substr(0, colon));
  if (colon == std::string_view::npos || (scheme != "http" && scheme != "https"))
    return bad(text, "must start with http:// or https://");
  base.https = scheme == "https";
  base.port = base.https ? 443 : 80;
  std::string_view rest = text.substr(colon + 3);
  if (rest.find_first_of("?#") != std::string_view::npos)
    return bad(text, "must have no query and no fragment");
  const auto slash = rest.find('/');
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos)
    return bad(text, "must hold no user name; keys go into api_key_env");
  if (const auto why = read_authority(authority, base); !why.empty()) return bad(text, why);
  if (slash != std::string_view::npos) base.path_prefix = rest.substr(slash);
  while (!base.path_prefix.empty() && base.path_prefix.back() == '/') base.path_prefix.pop_back();
  return base;
}

std::string host_header(const BaseUrl& base) {
  std::string header = base.host.find(':') == std::string::npos ? base.host : "[" + base.host + "]";
  if (base.port != (base.https ? 443 : 80)) header += ":" + std::to_string(base.port);
  return header;
}

std::string api_path(const BaseUrl& base, std::string_view route) {
  std::string path = base.path_prefix;
  if (!ends_in_v1(path)) path += "/v1";
  path += route;
  return path;
}

std::string call_path(const BaseUrl& base, TaskKind kind) {
  switch (kind) {
    case TaskKind::chat:
      return api_path(base, "/chat/completions");
    case TaskKind::completion:
      return api_path(base, "/completions");
    case TaskKind::embedding:
      return api_path(base, "/embeddings");
    case TaskKind::native_chat:
      break;
  }
  // LM Studio's own API stands beside /v1, not below it.
  std::string prefix = base.path_prefix;
  if (ends_in_v1(prefix)) prefix.resize(prefix.size() - 3);
  return prefix + "/api/v1/chat";
}

}  // namespace signalbox::http
