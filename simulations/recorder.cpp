#include "simulations/recorder.hpp"

#include <algorithm>
#include <bit>

#include "core/error.hpp"

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

Recorder::Recorder(const Scenario& scenario, RunObserver* observer)
    : x_scenario{&scenario}, x_observer{observer} {
  x_figures.scenario = scenario.name;
  x_figures.trace_hash = hash_start;
  for (const auto& [name, settings] : scenario.profiles) {
    x_figures.profiles.push_back(
        {name, settings.max_concurrent.value_or(count_capacity(scenario)), 0});
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

void Recorder::called(TaskId task, const Arrival& arrival) {
  pass(arrival.at);
  LiveTask& live = x_tasks[task];
  live.facts.number = ++x_figures.tasks;
  live.facts.client = arrival.client;
  live.facts.size = arrival.size;
  live.facts.arrived_at = arrival.at;
  if (live.facts.number > x_scenario->warmup_tasks) {
    ++x_figures.classes[class_of(live)].submitted;
  }
}

void Recorder::move(LiveTask& task, Place place, Duration now) {
  pass(now);
  const std::size_t profile = x_profile_of[task.facts.client];
  if (task.place == Place::queued) --x_line.queued[class_of(task)];
  if (task.place == Place::running) {
    --x_running[profile];
    --x_line.running;
  }
  if (place == Place::queued) ++x_line.queued[class_of(task)];
  if (place == Place::running) {
    ++x_running[profile];
    ++x_line.running;
  }
  task.place = place;
  mix(static_cast<std::uint64_t>(now.count()));
  mix(task.facts.number << 16U | static_cast<std::uint64_t>(place) << 8U | profile);
}

void Recorder::stored(TaskId task, TaskState state, Duration now) {
  const auto found = x_tasks.find(task);
  SIGNALBOX_ASSERT(found != x_tasks.end());
  LiveTask& live = found->second;
  if (state == TaskState::pending) {
    if (live.place == Place::running) live.facts.wasted += now - *live.facts.dispatched_at;
    move(live, Place::queued, now);
  } else if (is_terminal(state)) {
    move(live, Place::over, now);
  } else if (live.place != Place::running) {
    if (live.facts.attempts++ == 0) live.facts.started_at = now;
    live.facts.dispatched_at = now;
    move(live, Place::running, now);
  }
}

void Recorder::refused(const actors::TaskRefused& message, Duration now) {
  const auto found = x_tasks.find(message.facts.task);
  SIGNALBOX_ASSERT(found != x_tasks.end() && found->second.place == Place::called);
  move(found->second, Place::over, now);
  end(found, call_status_for(message.error.code), Duration::zero(), now);
}

void Recorder::ended(const actors::TaskEnded& message, Duration now) {
  const auto found = x_tasks.find(message.facts.task);
  SIGNALBOX_ASSERT(found != x_tasks.end() && found->second.place == Place::over);
  end(found, call_status_for(message.error.code), from_fractional_ms(message.facts.queue_wait_ms),
      now);
}

void Recorder::end(std::unordered_map<TaskId, LiveTask>::iterator task, CallStatus status,
                   Duration wait, Duration now) {
  EndedTask& facts = task->second.facts;
  facts.ended_at = now;
  facts.wait = wait;
  facts.status = status;
  mix(static_cast<std::uint64_t>(status));
  mix(static_cast<std::uint64_t>(wait.count()));
  ClassFigures& figures = x_figures.classes[class_of(task->second)];
  figures.wait_sum += wait.count();
  if (facts.number > x_scenario->warmup_tasks) {
    count_end(figures, status);
    if (status == CallStatus::ok) {
      if (wait > Duration::zero()) ++figures.waited;
      figures.waits.add(wait);
      figures.done_wait_sum += wait.count();
      figures.attempts += facts.attempts;
      figures.wasted_sum += facts.wasted.count();
      figures.finish_sum += (now - facts.started_at).count();
    }
  }
  x_figures.length = now;
  if (x_observer != nullptr) x_observer->ended(facts);
  x_tasks.erase(task);
}

const CallSize& Recorder::size_of(TaskId task) const {
  const auto found = x_tasks.find(task);
  SIGNALBOX_ASSERT(found != x_tasks.end());
  return found->second.facts.size;
}

RunFigures Recorder::take(Duration now) {
  pass(now);
  return std::move(x_figures);
}

}  // namespace signalbox::sim
