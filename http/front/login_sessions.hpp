// Who has logged in with a browser: session ids, known by their digest, and the key behind each.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace signalbox::http {

/// Any thread. Kept in memory only: a restart logs everybody out.
class LoginSessions {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours idle_timeout{12};
  static constexpr std::size_t sessions_max = 1000;

  /// @param key_digest of the key that was shown. @returns the new session's id, 256 random bits as
  /// hex, or nothing when the system gives none. The session that was not used for longest makes
  /// room.
  std::optional<std::string> begin(std::string key_digest, Clock::time_point now);

  /// @returns the digest of the session's key, and counts as a use; nothing when there is no such
  /// session, or it was idle for too long.
  std::optional<std::string> find(std::string_view id, Clock::time_point now);

  void end(std::string_view id);

  [[nodiscard]] std::size_t count() const;

 private:
  struct Session {
    std::string key_digest;
    Clock::time_point used_at;
  };
  void make_room(Clock::time_point now);

  mutable std::mutex x_mutex;
  /// By the id's digest. At most sessions_max.
  std::unordered_map<std::string, Session> x_sessions;
};

}  // namespace signalbox::http
