// Who calls. One extractor yields one caller; keys are compared by digest, in constant time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "core/error.hpp"
#include "core/priority.hpp"
#include "http/server.hpp"

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

  /// @returns unauthorized when a key is needed and none or a wrong one was sent; invalid_request
  /// when two different keys were.
  [[nodiscard]] Result<Caller> authenticate(const Headers& headers) const;

 private:
  config::AuthSettings x_settings;
};

/// @returns lower-case hex SHA-256.
std::string sha256_hex(std::string_view bytes);

}  // namespace signalbox::http
