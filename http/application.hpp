// Every request comes through here: host, health, key, route, grant, content type; then its surface
// answers.
#pragma once

#include <memory>
#include <string>

#include "http/edge/server.hpp"
#include "http/front/auth.hpp"
#include "http/front/services.hpp"

namespace signalbox::http {

class Application {
 public:
  Application(std::shared_ptr<Services> services, config::AuthSettings keys);
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  void handle(const Request& request, Responder& responder) const;

  /// As Authenticator::replace().
  [[nodiscard]] std::optional<Error> replace_keys(config::AuthSettings keys) {
    return x_authenticator.replace(std::move(keys));
  }

 private:
  std::shared_ptr<Services> x_services;
  Authenticator x_authenticator;
};

/// @returns whether a request for that `Host` is answered: IP literals, localhost and the
/// configured names.
bool is_host_allowed(std::string_view host, const std::vector<std::string>& allowed);

}  // namespace signalbox::http
