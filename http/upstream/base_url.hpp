// Where a backend lives. cpp-httplib takes "http://host/v1" for a host name, so URLs are taken
// apart here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/tasks/task.hpp"

namespace signalbox::http {

struct BaseUrl {
  bool https = false;
  /// Lower case; an IPv6 literal without its brackets.
  std::string host;
  std::uint16_t port = 80;
  /// Starts with a slash and does not end in one; empty = none.
  std::string path_prefix;

  friend bool operator==(const BaseUrl&, const BaseUrl&) = default;
};

/// Takes http(s)://host[:port][/path]. User names, queries, fragments and control bytes are
/// refused.
/// @returns invalid_request, saying what is wrong with it.
Result<BaseUrl> parse_base_url(std::string_view text);

/// @returns the value of the Host header: brackets around IPv6, the port only when it is not the
/// scheme's.
std::string host_header(const BaseUrl& base);

/// @returns the path of an OpenAI route. @param route without "/v1", e.g. "/models". A prefix that
/// ends in "/v1" is the API's root already.
std::string api_path(const BaseUrl& base, std::string_view route);

/// @returns the path that calls of `kind` are posted to.
std::string call_path(const BaseUrl& base, TaskKind kind);

}  // namespace signalbox::http
