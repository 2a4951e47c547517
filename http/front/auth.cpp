#include "http/front/auth.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/base/hex.hpp"

namespace signalbox::http {
namespace {

// What a key without grants may do: make and see its own, look around.
constexpr std::array<std::string_view, 5> default_grants{
    "tasks:create", "slots:create", "llms:view", "agents:view", "profiles:view"};

std::optional<std::string_view> bearer_of(std::string_view field) {
  constexpr std::string_view scheme = "bearer ";
  if (field.size() <= scheme.size()) return std::nullopt;
  for (std::size_t index = 0; index < scheme.size(); ++index) {
    if (std::tolower(static_cast<unsigned char>(field[index])) != scheme[index])
      return std::nullopt;
  }
  field.remove_prefix(scheme.size());
  while (field.starts_with(' ')) field.remove_prefix(1);
  return field;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

/// @returns the session id in the request's cookies, or nothing.
std::optional<std::string_view> session_of(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!equals_ignoring_case(name, "Cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (pair.starts_with(session_cookie) && pair.substr(session_cookie.size()).starts_with('=')) {
        return pair.substr(session_cookie.size() + 1);
      }
    }
  }
  return std::nullopt;
}

bool is_own_origin(const Headers& headers) {
  const std::string* origin = find_header(headers, "Origin");
  const std::string* host = find_header(headers, "Host");
  if (origin == nullptr || host == nullptr) return false;
  return equals_ignoring_case(*origin, "http://" + *host) ||
         equals_ignoring_case(*origin, "https://" + *host);
}

/// Browsers add a cookie to what other pages ask for too, pages of other ports of this host among
/// them; no page can forge these two headers.
std::optional<Error> check_origin(const Request& request) {
  const std::string* site = find_header(request.headers, "Sec-Fetch-Site");
  const bool is_safe = request.method == "GET" || request.method == "HEAD";
  if (is_own_origin(request.headers) || (site != nullptr && *site == "same-origin")) {
    return std::nullopt;
  }
  if (is_safe && (site == nullptr || *site == "none")) return std::nullopt;
  return make_error(ErrorCode::forbidden,
                    "a session's cookie counts for pages of this origin only; send a key instead");
}

Caller caller_of(const config::KeySettings& key) {
  Caller caller;
  caller.owner = key.owner;
  caller.default_priority = key.default_priority;
  caller.max_priority = key.max_priority;
  caller.grants = key.grants;
  return caller;
}

Error unauthorized(std::string message) {
  return make_error(ErrorCode::unauthorized, std::move(message));
}

std::shared_ptr<const config::AuthSettings> prepare(config::AuthSettings settings) {
  for (auto& key : settings.keys) {
    std::transform(key.sha256.begin(), key.sha256.end(), key.sha256.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  }
  return std::make_shared<const config::AuthSettings>(std::move(settings));
}

/// @returns the key with that digest, or null. Takes the same time for each.
const config::KeySettings* find_key(const config::AuthSettings& settings, std::string_view digest) {
  const config::KeySettings* found = nullptr;
  // Every key is looked at, so that the time does not tell which one came close.
  for (const auto& candidate : settings.keys) {
    if (candidate.sha256.size() != digest.size()) continue;
    if (CRYPTO_memcmp(candidate.sha256.data(), digest.data(), digest.size()) == 0) {
      found = &candidate;
    }
  }
  return found;
}

}  // namespace

bool Caller::may(std::string_view grant) const {
  if (has_all) return true;
  if (!grants.empty()) return std::find(grants.begin(), grants.end(), grant) != grants.end();
  return std::find(default_grants.begin(), default_grants.end(), grant) != default_grants.end();
}

Authenticator::Authenticator(config::AuthSettings settings)
    : x_settings{prepare(std::move(settings))} {}

std::optional<Error> Authenticator::replace(config::AuthSettings settings) {
  auto prepared = prepare(std::move(settings));
  const std::lock_guard lock{x_mutex};
  if (x_settings->mode == config::AuthMode::keys && prepared->mode == config::AuthMode::none) {
    return invalid_request("without keys only after a restart", "auth.mode");
  }
  x_settings = std::move(prepared);
  return std::nullopt;
}

Authenticator::Settings Authenticator::settings() const {
  const std::lock_guard lock{x_mutex};
  return x_settings;
}

Result<Caller> Authenticator::authenticate(const Headers& headers) const {
  const Settings settings = this->settings();
  if (settings->mode == config::AuthMode::none) {
    Caller caller;
    caller.owner = "local";
    caller.has_all = true;
    return caller;
  }
  std::optional<std::string_view> key;
  if (const std::string* field = find_header(headers, "Authorization")) {
    key = bearer_of(*field);
    if (!key) return unauthorized("Authorization must be \"Bearer <key>\"");
  }
  if (const std::string* field = find_header(headers, "X-Api-Key")) {
    if (key && *key != *field) {
      return make_error(ErrorCode::invalid_request,
                        "Authorization and X-Api-Key hold different keys");
    }
    key = *field;
  }
  if (!key) return unauthorized("a key is needed: Authorization: Bearer <key>");
  const config::KeySettings* found = find_key(*settings, sha256_hex(*key));
  if (found == nullptr) return unauthorized("the key is not known");
  return caller_of(*found);
}

Result<Caller> Authenticator::authenticate(const Request& request) const {
  const bool has_key = find_header(request.headers, "Authorization") != nullptr ||
                       find_header(request.headers, "X-Api-Key") != nullptr;
  const auto session = session_of(request.headers);
  const Settings settings = this->settings();
  if (settings->mode == config::AuthMode::none || has_key || !session) {
    return authenticate(request.headers);
  }
  const auto digest = x_sessions.find(*session, LoginSessions::Clock::now());
  const config::KeySettings* key = digest ? find_key(*settings, *digest) : nullptr;
  if (key == nullptr) return unauthorized("the session is over; log in again");
  if (auto error = check_origin(request)) return std::move(*error);
  return caller_of(*key);
}

Result<std::string> Authenticator::log_in(const Request& request, const std::string& key) const {
  // What is no browser has no Origin, and nobody makes it log in as somebody else.
  if (find_header(request.headers, "Origin") != nullptr) {
    if (auto error = check_origin(request)) return std::move(*error);
  }
  const Settings settings = this->settings();
  if (settings->mode == config::AuthMode::none) return std::string{};
  std::string digest = sha256_hex(key);
  if (find_key(*settings, digest) == nullptr) return unauthorized("the key is not known");
  if (const auto before = session_of(request.headers)) x_sessions.end(*before);
  auto id = x_sessions.begin(std::move(digest), LoginSessions::Clock::now());
  if (!id) return make_error(ErrorCode::store_failed, "the system gave no random bytes");
  return std::move(*id);
}

std::optional<Error> Authenticator::log_out(const Request& request) const {
  const auto session = session_of(request.headers);
  if (!session) return std::nullopt;
  if (auto error = check_origin(request)) return error;
  x_sessions.end(*session);
  return std::nullopt;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int ok =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  SIGNALBOX_ASSERT(ok == 1);
  std::string hex;
  for (unsigned int index = 0; index < size; ++index) {
    hex += hex_digits[digest[index] >> 4U];
    hex += hex_digits[digest[index] & 0x0FU];
  }
  return hex;
}

}  // namespace signalbox::http
