// A server that runs its calls side by side, each the slower the more there are: what vLLM's
// batches or a GPU with several slots do. A playback knows how long a call takes when it begins;
// here that depends on who comes and goes meanwhile.
#pragma once

#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "actors/messages.hpp"
#include "simulations/work_clock.hpp"

namespace signalbox::sim {

struct BatchingSetup {
  ExecutorId id = 0;
  std::vector<Llm> llms;
  Slowdown slowdown;
  /// @returns how long the call takes alone.
  std::function<Duration(const BackendCall&)> work;
  /// @returns what it says when it is done.
  std::function<BackendFinished(const BackendCall&)> answer;
  actors::DirectoryActor directory;
};

class BatchingServerState {
 public:
  explicit BatchingServerState(actors::PlaybackActor::pointer self) : x_self{self} {}
  static inline const char* name = "batching server";

  actors::PlaybackActor::behavior_type make_behavior(BatchingSetup setup);

 private:
  using CallKey = std::pair<TaskId, Epoch>;
  struct Call {
    BackendCall call;
    actors::TaskActor reply_to;
  };
  void run(const actors::RunTask& message);
  void abort(const CallKey& key);
  void tick(std::uint64_t plan);
  /// Says who is done, and waits for the next.
  void settle();

  actors::PlaybackActor::pointer x_self;
  BatchingSetup x_setup;
  WorkClock<CallKey> x_clock{{}};
  std::map<CallKey, Call> x_calls;
  /// Rises with every change of who runs: a tick of an earlier plan says nothing.
  std::uint64_t x_plan = 0;
};

actors::PlaybackActor::behavior_type batching_server(
    actors::PlaybackActor::stateful_pointer<BatchingServerState> self, BatchingSetup setup);

}  // namespace signalbox::sim
