// An upstream: a server that the broker calls. Runs calls through the Backend port, asks for its
// models, and tells the directory whether it is there. An LLM that a plugin offers is one too: its
// backend is in the process.
//
// Spawned at start, one per configured server, and by a plugin's actor, one per offer. Persists
// nothing. A failed connection makes it inactive at once; then it is asked again every few seconds
// until it answers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/backends/backend_calls.hpp"
#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "config/settings.hpp"

namespace signalbox::actors {

struct UpstreamSetup {
  ExecutorId id = 0;
  config::UpstreamSettings settings;
  std::shared_ptr<Backend> backend;
  DirectoryActor directory;
  /// In place of what would be made of `settings`.
  std::optional<Llm> offered;
  /// Called once, when it has answered or failed for the first time.
  std::function<void()> on_first_answer;
};

class UpstreamState {
 public:
  explicit UpstreamState(UpstreamActor::pointer self) : x_self{self} {}
  static inline const char* name = "upstream";

  UpstreamActor::behavior_type make_behavior(UpstreamSetup setup);

 private:
  void run(const RunTask& message);
  void ask_for_models();
  void models_listed(const ModelsListed& message);
  void set_status(LlmStatus status);
  [[nodiscard]] std::vector<Llm> make_llms(const std::vector<std::string>& models) const;
  void ask_again_in(Duration delay);

  UpstreamActor::pointer x_self;
  UpstreamSetup x_setup;
  BackendCalls x_calls;
  std::vector<std::string> x_models;
  LlmStatus x_status = LlmStatus::inactive;
  bool x_is_known = false;
  std::uint64_t x_tick_generation = 0;
};

UpstreamActor::behavior_type upstream_actor(UpstreamActor::stateful_pointer<UpstreamState> self,
                                            UpstreamSetup setup);

}  // namespace signalbox::actors
