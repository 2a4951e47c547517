// A server that runs its calls side by side, each the slower the more there are: what vLLM's
// batches or a GPU with several slots do. A playback knows when its steps are due as soon as it
// begins; here that depends on who comes and goes meanwhile, so all of it is said at the end.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "actors/backends/playback_actor.hpp"
#include "simulations/scenario/work_clock.hpp"

namespace signalbox::sim {

struct BatchingSetup {
  ExecutorId id = 0;
  std::vector<Llm> llms;
  Slowdown slowdown;
  /// The delays of its steps together are how long a call takes alone. Told to stop, the server
  /// confirms at once.
  actors::PlaybackScript script;
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
    actors::Playback playback;
    actors::TaskActor reply_to;
  };
  void run(const actors::RunTask& message);
  void abort(const CallKey& key);
  void lose_all(const std::string& reason);
  void tick(std::uint64_t plan);
  void finish(const CallKey& key);
  /// Ends who is done, and waits for the next.
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
