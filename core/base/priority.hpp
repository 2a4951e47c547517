// The three classes of call (mission A2). Lower number = the better class. Order is strict across
// classes, first come first served inside one, unless a profile has another policy (policy.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace signalbox {

enum class Priority : std::uint8_t { interactive = 0, workflow = 1, background = 2 };

inline constexpr std::size_t priority_count = 3;
inline constexpr std::array all_priorities{Priority::interactive, Priority::workflow,
                                           Priority::background};

constexpr std::size_t to_index(Priority priority) {
  return static_cast<std::size_t>(priority);
}

std::string_view to_string(Priority priority);

/// @returns the class named by `text` in any letter case, or nothing.
std::optional<Priority> parse_priority(std::string_view text);

/// @returns the class that RFC 9218's `Priority: u=N` asks for (0-2 interactive, 3-4 workflow, 5-7
/// background), or nothing when the field has no readable `u`.
std::optional<Priority> parse_urgency(std::string_view field);

/// @returns `wanted`, lowered to `highest` when it is above it.
constexpr Priority cap_priority(Priority wanted, Priority highest) {
  return wanted < highest ? highest : wanted;
}

}  // namespace signalbox
