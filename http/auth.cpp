#include "http/auth.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/hex.hpp"

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

Error unauthorized(std::string message) {
  return make_error(ErrorCode::unauthorized, std::move(message));
}

}  // namespace

bool Caller::may(std::string_view grant) const {
  if (has_all) return true;
  if (!grants.empty()) return std::find(grants.begin(), grants.end(), grant) != grants.end();
  return std::find(default_grants.begin(), default_grants.end(), grant) != default_grants.end();
}

Authenticator::Authenticator(config::AuthSettings settings) : x_settings{std::move(settings)} {
  for (auto& key : x_settings.keys) {
    std::transform(key.sha256.begin(), key.sha256.end(), key.sha256.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  }
}

Result<Caller> Authenticator::authenticate(const Headers& headers) const {
  if (x_settings.mode == config::AuthMode::none) {
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
  const std::string digest = sha256_hex(*key);
  const config::KeySettings* found = nullptr;
  // Every key is looked at, so that the time does not tell which one came close.
  for (const auto& candidate : x_settings.keys) {
    if (candidate.sha256.size() != digest.size()) continue;
    if (CRYPTO_memcmp(candidate.sha256.data(), digest.data(), digest.size()) == 0) {
      found = &candidate;
    }
  }
  if (found == nullptr) return unauthorized("the key is not known");
  Caller caller;
  caller.owner = found->owner;
  caller.default_priority = found->default_priority;
  caller.max_priority = found->max_priority;
  caller.grants = found->grants;
  return caller;
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
