// An agent: a name for an LLM or a pool together with how to ask it (mission B8).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/priority.hpp"

namespace signalbox {

/// Longest description. Unit: bytes.
inline constexpr std::size_t agent_description_max = 1'000;
/// Longest system prompt, and longest defaults. Unit: bytes.
inline constexpr std::size_t agent_text_max = 262'144;

struct Agent {
  std::string name;
  /// One of the two is set.
  std::string llm;
  std::string pool;
  std::string description;
  /// Goes before the messages, empty = none.
  std::string system_prompt;
  /// A JSON object as text; its members stand where the request has none of that name.
  std::string defaults = "{}";
  /// Unset = the caller's or the route's.
  std::optional<Priority> priority;

  [[nodiscard]] const std::string& target() const { return llm.empty() ? pool : llm; }
  friend bool operator==(const Agent&, const Agent&) = default;
};

/// @returns invalid_request with `param` for what is out of its range. `defaults` is not read.
std::optional<Error> check(const Agent& agent);

std::string encode(const Agent& agent);
/// @returns nothing when `text` is no agent that check() lets pass.
std::optional<Agent> decode_agent(std::string_view text);

}  // namespace signalbox
