// A worker that binds to the broker: it registers under the session it once had, opens its channel,
// sends heartbeats, wakes its model when it is told to, and plays its calls event by event as a
// server does that the broker calls. What is done while it is cut off it brings when it is back.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "actors/backends/playback_actor.hpp"
#include "core/backends/worker_session.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// How it is to be from now on.
struct WorkerOrder {
  bool is_connected = true;
  std::uint32_t capacity = 1;
  /// Its process dies: what it ran is gone, and its model sleeps again if it ever did.
  bool forgets = false;
};

struct HeartbeatTick {};

/// A channel that closed is opened again.
struct RedialTick {};

struct StepTick {
  TaskId task;
  std::uint32_t attempt = 0;
};

struct WakeTick {
  TaskId wake;
};

}  // namespace signalbox::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::sim::WorkerOrder)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::sim::HeartbeatTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::sim::RedialTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::sim::StepTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::sim::WakeTick)

namespace signalbox::sim {

using BoundWorkerActor =
    actors::WorkerChannel::extend<caf::reacts_to<WorkerOrder>, caf::reacts_to<HeartbeatTick>,
                                  caf::reacts_to<RedialTick>, caf::reacts_to<StepTick>,
                                  caf::reacts_to<WakeTick>>;

struct BoundWorkerSetup {
  OfferedLlm llm;
  WorkerSpec spec;
  /// Nil until it has registered; it outlives restarts of the broker.
  std::shared_ptr<SessionId> session;
  bool is_connected = true;
  actors::PlaybackScript script;
  actors::RegistrarActor registrar;
};

class BoundWorkerState {
 public:
  explicit BoundWorkerState(BoundWorkerActor::pointer self) : x_self{self} {}
  static inline const char* name = "bound worker";

  BoundWorkerActor::behavior_type make_behavior(BoundWorkerSetup setup);

 private:
  using JobKey = std::pair<TaskId, std::uint32_t>;
  struct Job {
    actors::Playback playback;
    std::size_t next_step = 0;
    bool has_chunks = false;
    bool is_cancelled = false;
  };

  [[nodiscard]] actors::SessionKey key() const;
  /// Registers, then binds.
  void dial();
  void bind();
  void obey(const WorkerOrder& order);
  void heartbeat();
  void heard(const actors::WorkerFrame& message);
  void run(const actors::WorkerFrame::Infer& infer);
  void cancel(TaskId task);
  /// @pre there is a next step.
  void wait_for_step(const JobKey& key, const Job& job);
  void play(const JobKey& key);
  void say(const JobKey& key, Job& job, BackendEvent event);
  void bring(actors::WorkerResult result);

  BoundWorkerActor::pointer x_self;
  BoundWorkerSetup x_setup;
  /// Rises with every bind.
  actors::CallNumber x_channel = 0;
  bool x_is_open = false;
  std::map<JobKey, Job> x_jobs;
  /// Done while no channel was open.
  std::vector<actors::WorkerResult> x_unsent;
};

BoundWorkerActor::behavior_type bound_worker(
    BoundWorkerActor::stateful_pointer<BoundWorkerState> self, BoundWorkerSetup setup);

}  // namespace signalbox::sim
