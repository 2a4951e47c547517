// Which of the backends that could run a call gets it: one object per pool, which may remember what
// it chose before. Pure: it sees the candidates and the call's session key, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace signalbox {

enum class ChoiceKind : std::uint8_t {
  /// The first in order of registration that has room.
  first_match,
  /// One after the other.
  round_robin,
  /// The lowest share of its capacity in use, ties by order.
  least_loaded,
  /// A session's calls stay where the last one went; whoever has no session goes as least_loaded.
  affinity,
};

/// The words of ChoiceKind, in its order.
const std::vector<std::string>& choice_words();
std::string_view to_string(ChoiceKind kind);
std::optional<ChoiceKind> parse_choice(std::string_view word);

struct BackendCandidate {
  /// Index into the directory's LLMs.
  std::size_t llm_index = 0;
  std::uint32_t running = 0;
  /// Above 0.
  std::uint32_t capacity = 1;
  /// The LLM's.
  std::string_view name = {};

  [[nodiscard]] bool has_room() const { return running < capacity; }
};

class BackendChoice {
 public:
  virtual ~BackendChoice() = default;

  /// @param candidates in order of registration, those that are full among them.
  /// @param session empty = none.
  /// @returns an index into `candidates`; nothing when the call is to wait for one of them. What
  /// is returned counts as taken.
  virtual std::optional<std::size_t> choose(std::span<const BackendCandidate> candidates,
                                            std::string_view session) = 0;

  [[nodiscard]] virtual ChoiceKind kind() const = 0;
  /// @returns the name of the backend that the session waits for when it is full, empty = none.
  [[nodiscard]] virtual std::string_view home_of(std::string_view /*session*/) const { return {}; }
  /// How many sessions it remembers.
  [[nodiscard]] virtual std::size_t sessions() const { return 0; }
  /// With everything it remembers.
  [[nodiscard]] virtual std::unique_ptr<BackendChoice> clone() const = 0;

  /// Calls of one session may wait where those of another run: they have to be told apart.
  [[nodiscard]] bool heeds_sessions() const { return kind() == ChoiceKind::affinity; }
};

std::unique_ptr<BackendChoice> make_choice(ChoiceKind kind);

/// What least_loaded does: those that are full are passed over.
std::optional<std::size_t> choose_least_loaded(std::span<const BackendCandidate> candidates);

/// @returns negative, zero or positive: how the share of its capacity that `left` has in use
/// compares with that of `right`.
int compare_load(const BackendCandidate& left, const BackendCandidate& right);

}  // namespace signalbox
