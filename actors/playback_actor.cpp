#include "actors/playback_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/backend_call.hpp"

namespace signalbox::actors {

void PlaybackState::run(const RunTask& message) {
  const Task& task = *message.task;
  BackendCall call = backend_call(message);
  const CallKey key{task.id, message.epoch};
  Call& playing = x_calls[key];
  playing = Call{x_setup.script(call), 0, message.reply_to};
  SIGNALBOX_ASSERT(!playing.playback.steps.empty());
  const Duration delay = playing.playback.steps.front().delay;
  if (delay > Duration::zero()) {
    x_self->delayed_send(x_self, delay, TokenTick{key.first, key.second});
  } else {
    play(key);
  }
}

void PlaybackState::stamp(BackendEvent& event) const {
  const Instant now = x_self->clock().now();
  if (auto* events = std::get_if<BackendEvents>(&event)) events->received_at = now;
  if (auto* finished = std::get_if<BackendFinished>(&event)) finished->received_at = now;
}

void PlaybackState::play(const CallKey& key) {
  const auto place = x_calls.find(key);
  if (place == x_calls.end()) return;
  Call& call = place->second;
  auto& steps = call.playback.steps;
  while (call.next_step < steps.size()) {
    BackendEvent& event = steps[call.next_step].event;
    stamp(event);
    x_self->send(call.reply_to, BackendReport{key.second, std::move(event)});
    ++call.next_step;
    if (call.next_step == steps.size()) break;
    const Duration delay = steps[call.next_step].delay;
    if (delay <= Duration::zero()) continue;
    x_self->delayed_send(x_self, delay, TokenTick{key.first, key.second});
    return;
  }
  x_calls.erase(place);
}

void PlaybackState::abort(const CallKey& key) {
  const auto place = x_calls.find(key);
  if (place == x_calls.end()) return;
  BackendFailed aborted;
  aborted.error = make_error(ErrorCode::backend_stream_failed, "aborted");
  x_self->send(place->second.reply_to, BackendReport{key.second, std::move(aborted)});
  x_calls.erase(place);
}

PlaybackActor::behavior_type PlaybackState::make_behavior(PlaybackSetup setup) {
  x_setup = std::move(setup);
  x_self->send(x_setup.directory, PutLlms{x_setup.id, x_self, x_setup.llms});
  return {
      [this](const RunTask& message) { run(message); },
      [this](const AbortTask& message) {
        abort({message.task, message.epoch});
      },
      [](const WakeLlm&) {},
      [](const LlmTaken&) {},
      [this](const TokenTick& message) {
        play({message.task, message.epoch});
      },
  };
}

PlaybackActor::behavior_type playback_actor(PlaybackActor::stateful_pointer<PlaybackState> self,
                                            PlaybackSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
