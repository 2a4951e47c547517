#include "simulations/figures/recorder.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/base/error.hpp"

namespace signalbox::sim {
namespace {

constexpr std::uint64_t hash_start = 0xCBF29CE484222325ULL;
constexpr std::uint64_t hash_factor = 0x9E3779B97F4A7C15ULL;

/// The house tells waits in milliseconds with fraction, exact to far below a nanosecond.
Duration from_fractional_ms(double ms) {
  return Duration{static_cast<std::int64_t>(std::max(ms, 0.0) * 1e6 + 0.5)};
}

std::uint32_t count_capacity(const Scenario& scenario) {
  std::uint32_t capacity = 0;
  for (const BackendSpec& backend : scenario.backends) {
    capacity += backend.capacity.value_or(count_slots(scenario));
  }
  return capacity;
}

void count_end(ClassFigures& figures, CallStatus status) {
  switch (status) {
    case CallStatus::ok:
      ++figures.done;
      return;
    case CallStatus::queue_full:
      ++figures.rejected;
      return;
    case CallStatus::queue_wait_timeout:
      ++figures.queue_timeouts;
      return;
    case CallStatus::inference_timeout:
      ++figures.run_timeouts;
      return;
    case CallStatus::cancelled:
      ++figures.cancelled;
      return;
    case CallStatus::error:
    case CallStatus::queued:
    case CallStatus::running:
      ++figures.failed;
      return;
  }
}

}  // namespace

Recorder::Recorder(const Scenario& scenario, RunObserver* observer, std::uint64_t hash_every)
    : x_scenario{&scenario}, x_observer{observer} {
  x_figures.scenario = scenario.name;
  x_figures.trace_hash = hash_start;
  x_figures.hash_every = hash_every;
  for (const auto& [name, settings] : scenario.profiles) {
    ProfileFigures figures;
    figures.name = name;
    figures.slots = settings.most_slots().value_or(count_capacity(scenario));
    x_figures.profiles.push_back(std::move(figures));
  }
  for (const ClientSpec& client : scenario.clients) {
    const auto place = scenario.profiles.find(client.profile);
    SIGNALBOX_ASSERT(place != scenario.profiles.end());
    x_profile_of.push_back(
        static_cast<std::size_t>(std::distance(scenario.profiles.begin(), place)));
  }
  x_running.resize(scenario.profiles.size());
}

std::size_t Recorder::class_of(const LiveTask& task) const {
  return to_index(x_scenario->clients[task.facts.client].priority);
}

void Recorder::mix(std::uint64_t value) {
  x_figures.trace_hash = std::rotl(x_figures.trace_hash ^ value, 29) * hash_factor;
}

void Recorder::close_event() {
  if (x_figures.hash_every == 0 || ++x_events % x_figures.hash_every != 0) return;
  x_figures.block_hashes.push_back(x_figures.trace_hash);
}

void Recorder::pass(Duration now) {
  SIGNALBOX_ASSERT(now >= x_now);
  const std::int64_t passed = (now - x_now).count();
  for (std::size_t index = 0; index < priority_count; ++index) {
    x_figures.classes[index].queue_integral += static_cast<TaskTime>(x_line.queued[index]) * passed;
  }
  for (std::size_t index = 0; index < x_running.size(); ++index) {
    x_figures.profiles[index].busy_integral += static_cast<TaskTime>(x_running[index]) * passed;
  }
  x_now = now;
  if (x_observer == nullptr) return;
  while (std::chrono::seconds{x_next_second} < now) x_observer->sampled(x_next_second++, x_line);
}

void Recorder::count_repeat(Duration at) {
  const std::int64_t second = at / std::chrono::seconds{1};
  if (second != x_repeating_second) x_repeats_in_second = 0;
  x_repeating_second = second;
  x_figures.peak_repeats = std::max(x_figures.peak_repeats, ++x_repeats_in_second);
}

void Recorder::called(TaskId task, const Arrival& arrival) {
  pass(arrival.at);
  if (arrival.repeat) count_repeat(arrival.at);
  LiveTask& live = x_tasks[task];
  live.facts.number = ++x_figures.tasks;
  live.facts.client = arrival.client;
  live.facts.size = arrival.size;
  live.facts.arrived_at = arrival.at;
  live.facts.repeat = arrival.repeat;
  if (live.facts.number > x_scenario->warmup_tasks) {
    ++x_figures.classes[class_of(live)].submitted;
  }
}

void Recorder::move(LiveTask& task, Place place, Duration now) {
  pass(now);
  const std::size_t profile = x_profile_of[task.facts.client];
  if (task.place == Place::queued) {
    --x_line.queued[class_of(task)];
    task.queued_for += now - task.queued_at;
  }
  if (task.place == Place::running) {
    --x_running[profile];
    --x_line.running;
  }
  if (place == Place::queued) {
    ++x_line.queued[class_of(task)];
    task.queued_at = now;
  }
  if (place == Place::running) {
    ++x_running[profile];
    ++x_line.running;
  }
  task.place = place;
  mix(static_cast<std::uint64_t>(now.count()));
  mix(task.facts.number << 16U | static_cast<std::uint64_t>(place) << 8U | profile);
  close_event();
}

void Recorder::stored(const Task& task, Duration now) {
  const auto found = x_tasks.find(task.id);
  if (found == x_tasks.end()) return;
  LiveTask& live = found->second;
  if (is_terminal(task.state)) {
    move(live, Place::over, now);
    live.stored = End{call_status_for(task.error_code), live.queued_for, now};
    end_when_over(found, now);
  } else if (task.state == TaskState::pending) {
    if (live.place == Place::running) live.facts.wasted += now - *live.facts.dispatched_at;
    move(live, Place::queued, now);
  } else if (live.place != Place::running) {
    if (live.facts.attempts++ == 0) live.facts.started_at = now;
    live.facts.dispatched_at = now;
    move(live, Place::running, now);
  }
}

void Recorder::end_not_stored(TaskId task, Duration now) {
  const auto found = x_tasks.find(task);
  if (found == x_tasks.end()) return;
  const Place place = found->second.place;
  if (place == Place::queued || place == Place::running) move(found->second, Place::adrift, now);
}

void Recorder::refused(TaskId call, const Error& error, Duration now) {
  const auto found = x_tasks.find(call);
  if (found == x_tasks.end()) return;
  move(found->second, Place::over, now);
  end(found, {call_status_for(error.code), Duration::zero(), now}, now);
}

void Recorder::accepted(TaskId call, const actors::TaskAccepted& message, Duration now) {
  const auto found = x_tasks.find(call);
  if (found == x_tasks.end()) return;
  found->second.is_watched = false;
  if (message.task->id == call) {
    end_when_over(found, now);
  } else {
    // It repeats another, whose end is its own.
    move(found->second, Place::over, now);
    end(found, {CallStatus::ok, Duration::zero(), now}, now);
  }
}

void Recorder::ended(TaskId call, const actors::TaskEnded& message, Duration now) {
  const auto found = x_tasks.find(call);
  if (found == x_tasks.end()) return;
  const CallStatus status = call_status_for(message.error.code);
  if (message.facts.task != call) {
    move(found->second, Place::over, now);
    end(found, {status, Duration::zero(), now}, now);
    return;
  }
  found->second.told = End{status, from_fractional_ms(message.facts.queue_wait_ms), now};
  found->second.is_watched = false;
  if (found->second.place == Place::called) x_unsettled.push_back(call);
  end_when_over(found, now);
}

void Recorder::hung_up(TaskId call, Duration now) {
  const auto found = x_tasks.find(call);
  if (found == x_tasks.end()) return;
  found->second.is_watched = false;
  if (found->second.place == Place::called) x_unsettled.push_back(call);
  end_when_over(found, now);
}

void Recorder::abandoned(TaskId call) {
  const auto found = x_tasks.find(call);
  if (found != x_tasks.end()) found->second.facts.is_abandoned = true;
}

void Recorder::slot_admitted(actors::CallNumber call, Duration now) {
  pass(now);
  mix(static_cast<std::uint64_t>(now.count()));
  mix(call);
  close_event();
}

void Recorder::slot_ended(actors::CallNumber call, CallStatus status, Duration now) {
  slot_admitted(call, now);
  mix(static_cast<std::uint64_t>(status));
  ++x_figures.slot_ends[static_cast<std::size_t>(status)];
  x_figures.length = now;
}

void Recorder::settled(Duration now) {
  for (const TaskId task : std::exchange(x_unsettled, {})) {
    const auto found = x_tasks.find(task);
    if (found == x_tasks.end() || found->second.place != Place::called) continue;
    move(found->second, Place::over, now);
    end(found, found->second.told.value_or(End{CallStatus::cancelled, Duration::zero(), now}), now);
  }
}

std::vector<TaskId> Recorder::open_tasks() const {
  std::vector<std::pair<std::uint64_t, TaskId>> numbered;
  numbered.reserve(x_tasks.size());
  for (const auto& [id, task] : x_tasks) numbered.emplace_back(task.facts.number, id);
  std::sort(numbered.begin(), numbered.end());
  std::vector<TaskId> ids;
  for (const auto& [number, id] : numbered) ids.push_back(id);
  return ids;
}

void Recorder::died(Duration now) {
  for (const TaskId id : open_tasks()) {
    const auto task = x_tasks.find(id);
    LiveTask& live = task->second;
    live.is_watched = false;
    if (live.place == Place::called) {
      move(live, Place::over, now);
      end(task, live.told.value_or(End{CallStatus::error, Duration::zero(), now}), now);
    } else if (live.place == Place::over) {
      end_when_over(task, now);
    } else if (live.place != Place::queued) {
      move(live, Place::queued, now);
    }
  }
}

void Recorder::end_when_over(Tasks::iterator task, Duration now) {
  const LiveTask& live = task->second;
  if (!live.stored || live.is_watched) return;
  End over = *live.stored;
  // The house's own account, where there is one that is not older than the store's.
  if (live.told && live.told->at == now) over = *live.told;
  end(task, over, now);
}

void Recorder::end(Tasks::iterator task, const End& end, Duration now) {
  EndedTask& facts = task->second.facts;
  facts.ended_at = now;
  facts.wait = end.wait;
  facts.status = end.status;
  mix(static_cast<std::uint64_t>(end.status));
  mix(static_cast<std::uint64_t>(end.wait.count()));
  close_event();
  ClassFigures& figures = x_figures.classes[class_of(task->second)];
  figures.wait_sum += end.wait.count();
  if (facts.number > x_scenario->warmup_tasks) {
    count_end(figures, end.status);
    if (end.status == CallStatus::ok) {
      if (end.wait > Duration::zero()) ++figures.waited;
      figures.waits.add(end.wait);
      figures.done_wait_sum += end.wait.count();
      figures.attempts += facts.attempts;
      figures.wasted_sum += facts.wasted.count();
      if (facts.attempts > 0) {
        ++figures.had_slot;
        figures.finish_sum += (now - facts.started_at).count();
      }
    }
  }
  x_figures.length = now;
  if (x_observer != nullptr) x_observer->ended(facts);
  x_tasks.erase(task);
}

const EndedTask* Recorder::find(TaskId task) const {
  const auto found = x_tasks.find(task);
  return found == x_tasks.end() ? nullptr : &found->second.facts;
}

RunFigures Recorder::take(Duration now) {
  pass(now);
  return std::move(x_figures);
}

}  // namespace signalbox::sim
