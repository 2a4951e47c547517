// The choice `affinity`: a backend that has answered a session holds its prompt's state (the KV
// cache), so the session's next call is quickest there.
#pragma once

#include <map>

#include "core/backends/backend_choice.hpp"

namespace signalbox {

class SessionAffinity final : public BackendChoice {
 public:
  /// One more than this, and the session that was silent longest is forgotten.
  static constexpr std::size_t default_sessions_max = 10'000;

  explicit SessionAffinity(std::size_t sessions_max = default_sessions_max)
      : x_sessions_max{sessions_max} {}

  /// A session's backend is waited for when it is full, and left when it is no candidate. A new
  /// session goes to the least loaded with room; ties to the one with fewest sessions, then by
  /// order.
  std::optional<std::size_t> choose(std::span<const BackendCandidate> candidates,
                                    std::string_view session) override;
  [[nodiscard]] ChoiceKind kind() const override { return ChoiceKind::affinity; }
  [[nodiscard]] std::string_view home_of(std::string_view session) const override;
  [[nodiscard]] std::size_t sessions() const override { return x_sessions.size(); }
  [[nodiscard]] std::unique_ptr<BackendChoice> clone() const override {
    return std::make_unique<SessionAffinity>(*this);
  }

 private:
  struct Kept {
    std::string backend;
    /// Its key in x_by_use.
    std::uint64_t last_use = 0;
  };
  using Sessions = std::map<std::string, Kept, std::less<>>;

  [[nodiscard]] std::optional<std::size_t> choose_for_new(
      std::span<const BackendCandidate> candidates) const;
  [[nodiscard]] std::size_t sessions_of(std::string_view backend) const;
  void remember(Sessions::iterator place, std::string_view backend);
  void leave(const std::string& backend);
  void forget_oldest();

  std::size_t x_sessions_max;
  Sessions x_sessions;
  /// Least recently used first.
  std::map<std::uint64_t, std::string> x_by_use;
  /// Sessions by backend; none of them is zero.
  std::map<std::string, std::size_t, std::less<>> x_counts;
  std::uint64_t x_next_use = 1;
};

}  // namespace signalbox
