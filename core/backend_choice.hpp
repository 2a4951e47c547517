// Which of the backends that could run a call is asked first.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace signalbox {

struct BackendCandidate {
  /// Index into the directory's LLMs.
  std::size_t llm_index = 0;
  std::uint32_t running = 0;
  /// Above 0.
  std::uint32_t capacity = 1;
};

/// The lowest share of its capacity in use; ties by order. Those that are full are passed over.
/// @returns an index into `candidates`.
std::optional<std::size_t> choose_least_loaded(std::span<const BackendCandidate> candidates);

}  // namespace signalbox
