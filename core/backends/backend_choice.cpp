#include "core/backends/backend_choice.hpp"

#include <algorithm>

#include "core/backends/session_affinity.hpp"
#include "core/base/error.hpp"

namespace signalbox {
namespace {

class FirstMatch final : public BackendChoice {
 public:
  std::optional<std::size_t> choose(std::span<const BackendCandidate> candidates,
                                    std::string_view) override {
    for (std::size_t index = 0; index < candidates.size(); ++index) {
      if (candidates[index].has_room()) return index;
    }
    return std::nullopt;
  }
  [[nodiscard]] ChoiceKind kind() const override { return ChoiceKind::first_match; }
  [[nodiscard]] std::unique_ptr<BackendChoice> clone() const override {
    return std::make_unique<FirstMatch>(*this);
  }
};

class RoundRobin final : public BackendChoice {
 public:
  std::optional<std::size_t> choose(std::span<const BackendCandidate> candidates,
                                    std::string_view) override {
    const auto after = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const auto& each) { return each.llm_index >= x_next; });
    const auto start = static_cast<std::size_t>(after - candidates.begin());
    for (std::size_t step = 0; step < candidates.size(); ++step) {
      const std::size_t index = (start + step) % candidates.size();
      if (!candidates[index].has_room()) continue;
      x_next = candidates[index].llm_index + 1;
      return index;
    }
    return std::nullopt;
  }
  [[nodiscard]] ChoiceKind kind() const override { return ChoiceKind::round_robin; }
  [[nodiscard]] std::unique_ptr<BackendChoice> clone() const override {
    return std::make_unique<RoundRobin>(*this);
  }

 private:
  /// The LLM after the last one. When the list changes it may mean another: somebody is passed over
  /// once.
  std::size_t x_next = 0;
};

class LeastLoaded final : public BackendChoice {
 public:
  std::optional<std::size_t> choose(std::span<const BackendCandidate> candidates,
                                    std::string_view) override {
    return choose_least_loaded(candidates);
  }
  [[nodiscard]] ChoiceKind kind() const override { return ChoiceKind::least_loaded; }
  [[nodiscard]] std::unique_ptr<BackendChoice> clone() const override {
    return std::make_unique<LeastLoaded>(*this);
  }
};

}  // namespace

const std::vector<std::string>& choice_words() {
  static const std::vector<std::string> words{"first_match", "round_robin", "least_loaded",
                                              "affinity"};
  return words;
}

std::string_view to_string(ChoiceKind kind) {
  return choice_words().at(static_cast<std::size_t>(kind));
}

std::optional<ChoiceKind> parse_choice(std::string_view word) {
  const auto& words = choice_words();
  const auto place = std::find(words.begin(), words.end(), word);
  if (place == words.end()) return std::nullopt;
  return static_cast<ChoiceKind>(place - words.begin());
}

std::unique_ptr<BackendChoice> make_choice(ChoiceKind kind) {
  switch (kind) {
    case ChoiceKind::first_match:
      return std::make_unique<FirstMatch>();
    case ChoiceKind::round_robin:
      return std::make_unique<RoundRobin>();
    case ChoiceKind::least_loaded:
      return std::make_unique<LeastLoaded>();
    case ChoiceKind::affinity:
      return std::make_unique<SessionAffinity>();
  }
  SIGNALBOX_ASSERT(false);
  return nullptr;
}

// Compared by cross products: exact, and no division.
int compare_load(const BackendCandidate& left, const BackendCandidate& right) {
  const auto mine = std::uint64_t{left.running} * right.capacity;
  const auto theirs = std::uint64_t{right.running} * left.capacity;
  return mine < theirs ? -1 : static_cast<int>(mine > theirs);
}

std::optional<std::size_t> choose_least_loaded(std::span<const BackendCandidate> candidates) {
  std::optional<std::size_t> best;
  for (std::size_t index = 0; index < candidates.size(); ++index) {
    if (!candidates[index].has_room()) continue;
    if (!best || compare_load(candidates[index], candidates[*best]) < 0) best = index;
  }
  return best;
}

}  // namespace signalbox
