// How many tokens a call took in and gave out, as the backend counted them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace signalbox {

struct TokenUsage {
  /// Nothing = the backend does not say.
  std::optional<std::uint32_t> in;
  std::optional<std::uint32_t> out;

  friend bool operator==(const TokenUsage&, const TokenUsage&) = default;
};

/// Reads the `usage` of an answer in OpenAI's form (`prompt_tokens`, `completion_tokens`) or LM
/// Studio's own (`stats` with `input_tokens`, `total_output_tokens`).
///
/// It stands near the beginning or the end of a body, so 16 KiB of either are looked at: an answer
/// may be megabytes of embeddings. Any bytes will do; what cannot be read is not known.
TokenUsage read_token_usage(std::string_view body);

}  // namespace signalbox
