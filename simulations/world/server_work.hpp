// What a server has to do for its calls: the time its law says, and the load of a model that it
// does not have at hand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/backends/playback_actor.hpp"
#include "core/backends/llm.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// @returns what it offers: one LLM, or one for each of its models, which share its room.
std::vector<Llm> llms_of(const BackendSpec& backend, std::uint32_t capacity);

class ServerWork {
 public:
  /// @param backend must outlive it.
  explicit ServerWork(const BackendSpec& backend) : x_backend{&backend} {}

  /// The call is begun. @param model as the LLM names it. @returns how long it takes, alone.
  Duration begin(const std::string& model, const CallSize& size);

  /// Loads of another model than the one before, the first included.
  [[nodiscard]] std::uint64_t swaps() const { return x_swaps; }

 private:
  const BackendSpec* x_backend;
  std::string x_loaded;
  std::uint64_t x_swaps = 0;
};

/// Has the answer say how many tokens it took; a stream's does not.
void say_usage(actors::Playback& playback, std::uint64_t tokens_in, std::uint64_t tokens_out);

}  // namespace signalbox::sim
