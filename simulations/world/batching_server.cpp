#include "simulations/world/batching_server.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/backends/backend_call.hpp"

namespace signalbox::sim {

namespace {

/// Of a call that hangs: beyond every budget.
constexpr std::chrono::hours for_ever{24 * 366};

Duration work_of(const actors::Playback& playback) {
  if (playback.steps.empty()) return for_ever;
  Duration work{};
  for (const auto& step : playback.steps) work += step.delay;
  return work;
}

}  // namespace

void BatchingServerState::run(const actors::RunTask& message) {
  const CallKey key{message.task->id, message.epoch};
  Call call{x_setup.script(actors::backend_call(message)), message.reply_to};
  x_clock.start(key, work_of(call.playback), x_self->clock().now());
  x_calls.insert_or_assign(key, std::move(call));
  settle();
}

void BatchingServerState::abort(const CallKey& key) {
  if (!x_clock.stop(key, x_self->clock().now())) return;
  BackendFailed aborted;
  aborted.error = make_error(ErrorCode::backend_stream_failed, "aborted");
  const auto place = x_calls.find(key);
  x_self->send(place->second.reply_to, actors::BackendReport{key.second, std::move(aborted)});
  x_calls.erase(place);
  settle();
}

void BatchingServerState::tick(std::uint64_t plan) {
  if (plan == x_plan) settle();
}

void BatchingServerState::lose_all(const std::string& reason) {
  for (const auto& [key, call] : x_calls) {
    x_self->send(call.reply_to, actors::BackendReport{key.second, BackendLost{false, reason}});
  }
  x_calls.clear();
  x_clock = WorkClock<CallKey>{x_setup.slowdown};
}

void BatchingServerState::finish(const CallKey& key) {
  const auto place = x_calls.find(key);
  for (auto& step : place->second.playback.steps) {
    BackendEvent& event = step.event;
    if (auto* events = std::get_if<BackendEvents>(&event)) {
      events->received_at = x_self->clock().now();
    }
    if (auto* finished = std::get_if<BackendFinished>(&event)) {
      finished->received_at = x_self->clock().now();
    }
    x_self->send(place->second.reply_to, actors::BackendReport{key.second, std::move(event)});
  }
  x_calls.erase(place);
}

void BatchingServerState::settle() {
  const Instant now = x_self->clock().now();
  while (const auto key = x_clock.take_done(now)) finish(*key);
  ++x_plan;
  const auto next = x_clock.next_end();
  if (next) x_self->delayed_send(x_self, *next - now, actors::TokenTick{{}, x_plan});
}

actors::PlaybackActor::behavior_type BatchingServerState::make_behavior(BatchingSetup setup) {
  x_setup = std::move(setup);
  x_clock = WorkClock<CallKey>{x_setup.slowdown};
  x_self->send(x_setup.directory, actors::PutLlms{x_setup.id, x_self, x_setup.llms});
  return {
      [this](const actors::RunTask& message) { run(message); },
      [this](const actors::AbortTask& message) {
        abort({message.task, message.epoch});
      },
      [](const actors::WakeLlm&) {},
      [](const actors::LlmTaken&) {},
      [this](const actors::TokenTick& message) { tick(message.epoch); },
      [this](const actors::LosePlaybacks& message) { lose_all(message.reason); },
  };
}

actors::PlaybackActor::behavior_type batching_server(
    actors::PlaybackActor::stateful_pointer<BatchingServerState> self, BatchingSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::sim
