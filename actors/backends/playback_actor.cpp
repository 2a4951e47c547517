#include "actors/backends/playback_actor.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/backends/backend_call.hpp"
#include "actors/messages/sent.hpp"

namespace signalbox::actors {
namespace {

bool is_end(const Playback::Step& step) {
  return !std::holds_alternative<BackendBegan>(step.event) &&
         !std::holds_alternative<BackendEvents>(step.event);
}

}  // namespace

void PlaybackState::run(const RunTask& message) {
  const Task& task = *message.task;
  const CallKey key{task.id, message.epoch};
  Call& call = x_calls[key];
  call = Call{x_setup.script(backend_call(message)), 0, message.reply_to};
  call.due = x_self->clock().now();
  if (!call.playback.steps.empty()) wait_for_step(key, call);
}

void PlaybackState::stamp(BackendEvent& event) const {
  const Instant now = x_self->clock().now();
  if (auto* events = std::get_if<BackendEvents>(&event)) events->received_at = now;
  if (auto* finished = std::get_if<BackendFinished>(&event)) finished->received_at = now;
}

void PlaybackState::wait_for_step(const CallKey& key, Call& call) {
  const Duration delay = call.playback.steps[call.next_step].delay;
  if (delay <= Duration::zero()) {
    play(key);
    return;
  }
  call.due = x_self->clock().now() + delay;
  x_self->delayed_send(x_self, delay, TokenTick{key.first, key.second});
}

void PlaybackState::play(const CallKey& key) {
  const auto place = x_calls.find(key);
  if (place == x_calls.end()) return;
  Call& call = place->second;
  auto& steps = call.playback.steps;
  if (call.next_step == steps.size() || x_self->clock().now() < call.due) return;
  while (true) {
    BackendEvent& event = steps[call.next_step].event;
    stamp(event);
    x_self->send(call.reply_to, BackendReport{key.second, std::move(event)});
    ++call.next_step;
    if (call.next_step == steps.size()) break;
    if (steps[call.next_step].delay <= Duration::zero()) continue;
    wait_for_step(key, call);
    return;
  }
  if (std::any_of(steps.begin(), steps.end(), is_end)) x_calls.erase(place);
}

void PlaybackState::abort(const CallKey& key) {
  const auto place = x_calls.find(key);
  if (place == x_calls.end() || place->second.is_aborted) return;
  Call& call = place->second;
  if (!call.playback.after_abort.empty()) {
    call.is_aborted = true;
    call.playback.steps = std::move(call.playback.after_abort);
    call.next_step = 0;
    call.due = x_self->clock().now();
    wait_for_step(key, call);
    return;
  }
  BackendFailed aborted;
  aborted.error = make_error(ErrorCode::backend_stream_failed, "aborted");
  x_self->send(call.reply_to, BackendReport{key.second, std::move(aborted)});
  x_calls.erase(place);
}

void PlaybackState::lose_all(const std::string& reason) {
  for (const auto& [key, call] : x_calls) {
    x_self->send(call.reply_to, BackendReport{key.second, BackendLost{false, reason}});
  }
  x_calls.clear();
}

PlaybackActor::behavior_type PlaybackState::make_behavior(PlaybackSetup setup) {
  x_setup = std::move(setup);
  x_self->send(x_setup.directory, PutLlms{x_setup.id, x_self, x_setup.llms});
  return {
      sent([this](const RunTask& message) { run(message); }),
      sent([this](const TokenTick& message) {
        play({message.task, message.epoch});
      }),
      [this](const AbortTask& message) {
        abort({message.task, message.epoch});
      },
      [](const WakeLlm&) {},
      [](const LlmTaken&) {},
      [this](const LosePlaybacks& message) { lose_all(message.reason); },
  };
}

PlaybackActor::behavior_type playback_actor(PlaybackActor::stateful_pointer<PlaybackState> self,
                                            PlaybackSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
