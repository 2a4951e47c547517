#include "http/front/login_sessions.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/hex.hpp"
#include "http/front/auth.hpp"

namespace signalbox::http {

std::optional<std::string> LoginSessions::begin(std::string key_digest, Clock::time_point now) {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return std::nullopt;
  std::string id;
  for (const unsigned char byte : bytes) {
    id += hex_digits[byte >> 4U];
    id += hex_digits[byte & 0x0FU];
  }
  const std::lock_guard lock{x_mutex};
  make_room(now);
  x_sessions[sha256_hex(id)] = {std::move(key_digest), now};
  return id;
}

std::optional<std::string> LoginSessions::find(std::string_view id, Clock::time_point now) {
  const std::string digest = sha256_hex(id);
  const std::lock_guard lock{x_mutex};
  const auto found = x_sessions.find(digest);
  if (found == x_sessions.end()) return std::nullopt;
  if (now - found->second.used_at > idle_timeout) {
    x_sessions.erase(found);
    return std::nullopt;
  }
  found->second.used_at = now;
  return found->second.key_digest;
}

void LoginSessions::end(std::string_view id) {
  const std::lock_guard lock{x_mutex};
  x_sessions.erase(sha256_hex(id));
}

std::size_t LoginSessions::count() const {
  const std::lock_guard lock{x_mutex};
  return x_sessions.size();
}

void LoginSessions::make_room(Clock::time_point now) {
  std::erase_if(x_sessions,
                [&](const auto& entry) { return now - entry.second.used_at > idle_timeout; });
  if (x_sessions.size() < sessions_max) return;
  x_sessions.erase(std::min_element(x_sessions.begin(), x_sessions.end(),
                                    [](const auto& left, const auto& right) {
                                      return left.second.used_at < right.second.used_at;
                                    }));
}

}  // namespace signalbox::http
