// The front: where HTTP threads meet the actors. It hands calls to the broker under a number, and
// what comes back under that number to the reply_box its thread waits on. It decides nothing.
//
// Spawned with the server, stopped after it. Persists nothing: a call whose thread is gone is
// simply not found.
#pragma once

#include <caf/typed_actor.hpp>
#include <map>
#include <memory>
#include <variant>

#include "actors/messages/messages.hpp"
#include "http/front/reply_box.hpp"

namespace signalbox::http {

/// A call that makes or watches a task, or asks for a slot.
struct BeginCall {
  actors::CallNumber call = 0;
  std::shared_ptr<ReplyBox> reply_box;
  std::variant<actors::SubmitTask, actors::WatchTask, actors::AcquireSlot> message;
};

/// A worker's connection that wants to become its session's channel.
struct BeginChannel {
  /// Drawn from the same numbers as calls.
  actors::CallNumber channel = 0;
  std::shared_ptr<ReplyBox> reply_box;
  actors::SessionKey key;
};

/// The client of a call or channel is gone.
struct HangUp {
  actors::CallNumber call = 0;
};

/// The thread does not wait any longer; the task goes on.
struct LeaveCall {
  actors::CallNumber call = 0;
};

/// Its thread is to wake up and go; the task goes on.
struct DropCall {
  actors::CallNumber call = 0;
};

/// The daemon stops: every call that waits is told so, and its task lives on. Workers' channels
/// stay.
struct DismissCalls {
  Error error;
  /// Gets Done when all have been told.
  std::shared_ptr<ReplyBox> done;
};

/// A question with one answer.
struct Ask {
  std::shared_ptr<ReplyBox> reply_box;
  std::variant<actors::ListProfiles, actors::GetProfile, actors::ConfigureProfile,
               actors::ApplyProfiles, actors::ConfigurePool, actors::ApplyPools, actors::ListPools,
               actors::ShelveTasks, actors::FindPositions, actors::CancelTask, actors::ListAgents,
               actors::GetAgent, actors::PutAgent, actors::DeleteAgent, actors::ListLlms,
               actors::ListCalls, actors::GetFigures, actors::RegisterWorker,
               actors::WorkerHeartbeat, actors::WorkerChunks, actors::WorkerResult,
               actors::DrainWorker, actors::LeaveWorker, actors::GetWorker, actors::ListWorkers,
               actors::HearPushWorker, actors::MarkSlot, actors::RenewSlot, actors::ReleaseSlot,
               actors::SaveCalls>
      question;
};

using FrontActor =
    actors::TaskListener::extend_with<actors::WorkerChannel>::extend_with<actors::SlotListener>::
        extend<caf::reacts_to<BeginCall>, caf::reacts_to<BeginChannel>, caf::reacts_to<HangUp>,
               caf::reacts_to<LeaveCall>, caf::reacts_to<DropCall>, caf::reacts_to<DismissCalls>,
               caf::reacts_to<Ask>>;

class FrontState {
 public:
  explicit FrontState(FrontActor::pointer self) : x_self{self} {}
  static inline const char* name = "front";

  FrontActor::behavior_type make_behavior(actors::House house);

 private:
  struct Call {
    std::shared_ptr<ReplyBox> reply_box;
    /// What the call is about.
    std::variant<TaskId, SlotId, SessionId> subject;
  };
  void begin(BeginCall& message);
  void begin(BeginChannel& message);
  void hang_up(actors::CallNumber number);
  void dismiss(const DismissCalls& message);
  void ask(Ask& message);
  void accepted(const actors::TaskAccepted& message);
  void pass_on(actors::CallNumber number, Arrival arrival, bool is_last);

  FrontActor::pointer x_self;
  actors::House x_house;
  std::map<actors::CallNumber, Call> x_calls;
};

FrontActor::behavior_type front_actor(FrontActor::stateful_pointer<FrontState> self,
                                      actors::House house);

}  // namespace signalbox::http

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::BeginCall)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::BeginChannel)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::HangUp)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::LeaveCall)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::DropCall)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::DismissCalls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::Ask)
