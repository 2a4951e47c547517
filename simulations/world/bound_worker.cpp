#include "simulations/world/bound_worker.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace signalbox::sim {
namespace {

constexpr std::chrono::seconds registrar_patience{10};

/// Before a registration that was refused, or a channel that closed, is tried again.
constexpr std::chrono::seconds redial_after{1};

const char* const worker_owner = "worker";

}  // namespace

actors::SessionKey BoundWorkerState::key() const {
  return {*x_setup.session, worker_owner};
}

// -- presence -------------------------------------------------------------------------------------

void BoundWorkerState::dial() {
  if (!x_setup.is_connected) return;
  x_self
      ->request(x_setup.registrar, registrar_patience,
                actors::RegisterWorker{key(), "10.0.0.1", {x_setup.llm}})
      .then(
          [this](const actors::SessionAnswer& answer) {
            if (answer.error.code != ErrorCode::none) {
              x_self->delayed_send(x_self, redial_after, RedialTick{});
              return;
            }
            *x_setup.session = answer.status.session;
            if (x_setup.is_connected && !x_is_open) bind();
          },
          [this](const caf::error&) { x_self->delayed_send(x_self, redial_after, RedialTick{}); });
}

void BoundWorkerState::bind() {
  caf::anon_send(x_setup.registrar, actors::BindWorker{key(), ++x_channel, x_self});
}

void BoundWorkerState::obey(const WorkerOrder& order) {
  if (order.forgets) {
    x_jobs.clear();
    x_unsent.clear();
    if (x_setup.spec.wakes_in) x_setup.llm.status = LlmStatus::hibernating;
  }
  const bool was_connected = std::exchange(x_setup.is_connected, order.is_connected);
  const bool has_changed = std::exchange(x_setup.llm.capacity, order.capacity) != order.capacity;
  if (was_connected && !order.is_connected) {
    x_is_open = false;
    caf::anon_send(x_setup.registrar, actors::UnbindWorker{*x_setup.session, x_channel});
  } else if (has_changed || !was_connected) {
    dial();
  }
}

void BoundWorkerState::heartbeat() {
  x_self->delayed_send(x_self, x_setup.spec.heartbeat, HeartbeatTick{});
  if (!x_is_open) return;
  caf::anon_send(x_setup.registrar,
                 actors::WorkerHeartbeat{key(), {{x_setup.llm.name, x_setup.llm.status}}});
}

// -- work -----------------------------------------------------------------------------------------

void BoundWorkerState::heard(const actors::WorkerFrame& message) {
  if (message.channel != x_channel) return;
  if (const auto* infer = std::get_if<actors::WorkerFrame::Infer>(&message.frame)) {
    run(*infer);
  } else if (const auto* wake = std::get_if<actors::WorkerFrame::Wake>(&message.frame)) {
    const Duration delay = x_setup.spec.wakes_in.value_or(Duration::zero());
    x_self->delayed_send(x_self, delay, WakeTick{wake->id});
  } else if (const auto* gone = std::get_if<actors::WorkerFrame::Cancel>(&message.frame)) {
    cancel(gone->task);
  }
}

void BoundWorkerState::run(const actors::WorkerFrame::Infer& infer) {
  BackendCall call;
  call.task = infer.task->id;
  call.kind = infer.task->kind;
  call.request = infer.request;
  call.model = infer.model;
  call.streaming = infer.task->streaming;
  const JobKey key{infer.task->id, infer.attempt};
  Job& job = x_jobs[key];
  job = Job{x_setup.script(call)};
  if (!job.playback.steps.empty()) wait_for_step(key, job);
}

// The session has let go of it already: what is still said about it nobody heeds.
void BoundWorkerState::cancel(TaskId task) {
  for (auto place = x_jobs.lower_bound({task, 0});
       place != x_jobs.end() && place->first.first == task;) {
    Job& job = place->second;
    if (job.playback.after_abort.empty() || job.is_cancelled) {
      place = x_jobs.erase(place);
      continue;
    }
    job.is_cancelled = true;
    job.playback.steps = std::move(job.playback.after_abort);
    job.playback.after_abort.clear();
    job.next_step = 0;
    const JobKey key = place->first;
    ++place;
    wait_for_step(key, job);
  }
}

// Ticks of a job that was put to other steps come too early, and play nothing that is not there.
void BoundWorkerState::wait_for_step(const JobKey& key, const Job& job) {
  x_self->delayed_send(x_self, job.playback.steps[job.next_step].delay,
                       StepTick{key.first, key.second});
}

void BoundWorkerState::play(const JobKey& key) {
  const auto place = x_jobs.find(key);
  if (place == x_jobs.end()) return;
  Job& job = place->second;
  if (job.next_step == job.playback.steps.size()) return;
  BackendEvent event = std::move(job.playback.steps[job.next_step].event);
  ++job.next_step;
  say(key, job, std::move(event));
  if (job.next_step < job.playback.steps.size()) {
    wait_for_step(key, job);
  } else {
    x_jobs.erase(place);
  }
}

void BoundWorkerState::say(const JobKey& key, Job& job, BackendEvent event) {
  if (std::holds_alternative<BackendEvents>(event)) {
    job.has_chunks = true;
    if (!x_is_open) return;
    caf::anon_send(x_setup.registrar,
                   actors::WorkerChunks{this->key(), key.first, key.second, {"x"}});
    return;
  }
  actors::WorkerResult::Whole whole{200, "application/json", make_bytes("{}")};
  const auto* finished = std::get_if<BackendFinished>(&event);
  if (finished != nullptr && finished->body) whole.body = finished->body;
  actors::WorkerResult result{this->key(), key.first, key.second, std::move(whole)};
  if (auto* failed = std::get_if<BackendFailed>(&event)) {
    result.outcome = std::move(*failed);
  } else if (finished == nullptr) {
    return;
  } else if (job.has_chunks) {
    result.outcome = actors::WorkerResult::StreamDone{};
  }
  bring(std::move(result));
}

void BoundWorkerState::bring(actors::WorkerResult result) {
  if (!x_is_open) {
    x_unsent.push_back(std::move(result));
    return;
  }
  caf::anon_send(x_setup.registrar, std::move(result));
}

BoundWorkerActor::behavior_type BoundWorkerState::make_behavior(BoundWorkerSetup setup) {
  x_setup = std::move(setup);
  dial();
  heartbeat();
  return {
      [this](const actors::ChannelOpened& message) {
        if (message.channel != x_channel || !x_setup.is_connected) return;
        x_is_open = true;
        for (actors::WorkerResult& result : std::exchange(x_unsent, {})) bring(std::move(result));
      },
      [this](const actors::WorkerFrame& message) { heard(message); },
      [this](const actors::ChannelClosed& message) {
        if (message.channel != x_channel) return;
        x_is_open = false;
        x_self->delayed_send(x_self, redial_after, RedialTick{});
      },
      [this](const WorkerOrder& order) { obey(order); },
      [this](const HeartbeatTick&) { heartbeat(); },
      [this](const RedialTick&) {
        if (!x_is_open) dial();
      },
      [this](const StepTick& message) {
        play({message.task, message.attempt});
      },
      [this](const WakeTick& message) {
        x_setup.llm.status = LlmStatus::active;
        bring({key(), message.wake, {}, actors::WorkerResult::Whole{}});
      },
  };
}

BoundWorkerActor::behavior_type bound_worker(
    BoundWorkerActor::stateful_pointer<BoundWorkerState> self, BoundWorkerSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::sim
