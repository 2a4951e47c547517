#include "http/push/push_answer.hpp"

#include <algorithm>

#include "http/text/json_members.hpp"

namespace signalbox::http {

namespace {

constexpr std::size_t path_bytes_max = 2048;
constexpr std::string_view scheme = "http://";

Error bad(std::string message) {
  return make_error(ErrorCode::backend_error, std::move(message));
}

/// Bytes that may stand in a request line; a fragment is no part of one.
bool is_path_byte(char c) {
  return c > 0x20 && c < 0x7F && c != '#';
}

bool is_path(std::string_view text) {
  return text.starts_with('/') && !text.starts_with("//") && text.size() <= path_bytes_max &&
         std::all_of(text.begin(), text.end(), is_path_byte);
}

bool is_on(std::string_view url, const BaseUrl& worker) {
  const auto base = parse_base_url(url);
  return base && !base->https && base->host == worker.host && base->port == worker.port;
}

}  // namespace

Result<std::string> read_stream_path(std::string_view body, const BaseUrl& worker) {
  if (!check_json(body)) return bad("answered what is no JSON");
  const auto url = unquote(value_of(body, "sse_url"));
  if (!url) return bad("answered without an sse_url");
  std::string_view path = *url;
  if (path.starts_with(scheme)) {
    const auto slash = path.find('/', scheme.size());
    if (!is_on(path.substr(0, slash), worker))
      return bad("answered with an sse_url on another host, which is not followed");
    path.remove_prefix(std::min(slash, path.size()));
  }
  if (!is_path(path)) return bad("answered with an sse_url that is no path on it");
  return std::string(path);
}

}  // namespace signalbox::http
