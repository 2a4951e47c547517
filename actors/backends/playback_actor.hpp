// A backend inside the process: it plays what a script function makes of a request, event by event,
// on the actor clock. The built-in echo model is one; simulated servers with drawn service times
// are others.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/messages/messages.hpp"

namespace signalbox::actors {

/// What happens in a call, in order.
struct Playback {
  struct Step {
    /// After the step before.
    Duration delay{};
    BackendEvent event;
  };
  /// A good backend's last step, and no other, is BackendFinished or BackendFailed. Without such a
  /// step it hangs until it is told to stop; what comes after one is what a bad backend says to
  /// nobody.
  std::vector<Step> steps;
  /// What it says in place of the rest when it is told to stop; empty = it confirms at once.
  std::vector<Step> after_abort = {};
};

using PlaybackScript = std::function<Playback(const BackendCall&)>;

struct PlaybackSetup {
  ExecutorId id = 0;
  std::vector<Llm> llms;
  PlaybackScript script;
  DirectoryActor directory;
};

class PlaybackState {
 public:
  explicit PlaybackState(PlaybackActor::pointer self) : x_self{self} {}
  static inline const char* name = "playback";

  PlaybackActor::behavior_type make_behavior(PlaybackSetup setup);

 private:
  using CallKey = std::pair<TaskId, Epoch>;
  struct Call {
    Playback playback;
    std::size_t next_step = 0;
    TaskActor reply_to;
    /// When the next step is due: a tick of a step that was dropped comes too early.
    Instant due{};
    bool is_aborted = false;
  };
  void run(const RunTask& message);
  void abort(const CallKey& key);
  void lose_all(const std::string& reason);
  /// @pre there is a next step.
  void wait_for_step(const CallKey& key, Call& call);
  /// Plays what is due, then waits for the next step.
  void play(const CallKey& key);
  /// Says when it came: now.
  void stamp(BackendEvent& event) const;

  PlaybackActor::pointer x_self;
  PlaybackSetup x_setup;
  std::map<CallKey, Call> x_calls;
};

PlaybackActor::behavior_type playback_actor(PlaybackActor::stateful_pointer<PlaybackState> self,
                                            PlaybackSetup setup);

}  // namespace signalbox::actors
