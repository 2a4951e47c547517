// Who calls. One extractor yields one caller; keys are compared by digest, in constant time.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "core/base/error.hpp"
#include "core/base/priority.hpp"
#include "http/edge/server.hpp"
#include "http/front/login_sessions.hpp"

namespace signalbox::http {

struct Caller {
  std::string owner;
  std::optional<Priority> default_priority;
  Priority max_priority = Priority::interactive;
  /// "resource:action".
  std::vector<std::string> grants;
  /// Everything, without a key (auth.mode none).
  bool has_all = false;

  [[nodiscard]] bool may(std::string_view grant) const;
};

class Authenticator {
 public:
  explicit Authenticator(config::AuthSettings settings);

  /// From now on these count, in any thread; what was let in before goes on. Sessions of keys that
  /// are gone are over. @returns invalid_request, and changes nothing, when no keys were asked for
  /// any more: who may connect was decided with them in mind.
  [[nodiscard]] std::optional<Error> replace(config::AuthSettings settings);

  /// @returns unauthorized when a key is needed and none or a wrong one was sent; invalid_request
  /// when two different keys were.
  [[nodiscard]] Result<Caller> authenticate(const Headers& headers) const;

  /// As above; a request without a key may have a session's cookie instead. @returns forbidden when
  /// a page of another origin made a browser send it.
  [[nodiscard]] Result<Caller> authenticate(const Request& request) const;

  /// @returns the id of a new session, empty when no keys are asked for; unauthorized when the key
  /// is not known; forbidden as above.
  [[nodiscard]] Result<std::string> log_in(const Request& request, const std::string& key) const;

  /// Ends the session of the request's cookie, if it has one. @returns forbidden as above.
  [[nodiscard]] std::optional<Error> log_out(const Request& request) const;

 private:
  using Settings = std::shared_ptr<const config::AuthSettings>;

  [[nodiscard]] Settings settings() const;

  mutable std::mutex x_mutex;
  Settings x_settings;
  /// Safe in any thread; finding one counts as its use.
  mutable LoginSessions x_sessions;
};

inline constexpr std::string_view session_cookie = "signalbox_session";

/// @returns lower-case hex SHA-256.
std::string sha256_hex(std::string_view bytes);

}  // namespace signalbox::http
