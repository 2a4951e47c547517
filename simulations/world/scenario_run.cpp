#include "simulations/world/scenario_run.hpp"

#include <algorithm>

namespace signalbox::sim {
namespace {

/// Calls that wait for a breaker, a retry, a wake.
constexpr std::chrono::hours drain_min{1};

/// Names a call that no process was there to take.
TaskId unmade_id(actors::CallNumber number) {
  IdBytes bytes{};
  for (std::size_t index = bytes.size(); number > 0; number >>= 8U) {
    bytes[--index] = static_cast<std::uint8_t>(number);
  }
  return TaskId{bytes};
}

Duration longest_inference(const Scenario& scenario) {
  Duration longest{};
  for (const auto& [name, settings] : scenario.profiles) {
    longest = std::max(longest, from_seconds(settings.default_inference_s));
  }
  for (const ClientSpec& client : scenario.clients) {
    longest = std::max(longest, client.inference.value_or(Duration::zero()));
  }
  return longest;
}

}  // namespace

ScenarioRun::ScenarioRun(const Scenario& scenario, const RunOptions& options)
    : x_scenario{scenario},
      x_seed{options.seed},
      x_checker{options.checker},
      x_recorder{scenario, options.observer, options.hash_every},
      x_faults{scenario},
      x_retries{scenario},
      x_is_shuffled{options.schedule_seed || scenario.schedule_seed},
      x_house{scenario, options.schedule_seed ? options.schedule_seed : scenario.schedule_seed,
              *this},
      x_slots{scenario, x_house, x_agenda, x_recorder, x_checker} {
  for (const BackendSpec& backend : scenario.backends) {
    x_works.emplace(backend.name, ServerWork{backend});
  }
  for (std::size_t index = 0; index < scenario.faults.size(); ++index) {
    x_agenda.add(scenario.faults[index].at, {AgendaItem::Kind::fault_begins, index});
  }
}

void ScenarioRun::call_first(const Arrival& arrival) {
  const CallActs& acts = arrival.acts;
  x_users.called(x_last_call + 1, arrival);
  if (x_scenario.clients[arrival.client].slot) return call(arrival, {});
  x_retries.made(x_last_call + 1, arrival);
  call(arrival, acts.duplicate_after ? "key " + std::to_string(x_last_call + 1) : "");
  const auto note = [&](const std::optional<Duration>& after, AgendaItem::Kind kind) {
    if (after) x_agenda.add(arrival.at + *after, {kind, x_last_call});
  };
  note(acts.cancel_after, AgendaItem::Kind::cancel);
  note(acts.hang_up_after, AgendaItem::Kind::hang_up);
  note(acts.duplicate_after, AgendaItem::Kind::duplicate);
}

void ScenarioRun::call_failed(actors::CallNumber call, const Error& error, Duration at) {
  const auto repeat = x_retries.failed(call, error, at);
  if (!repeat) return let_think(call);
  // Its user waits for the next try.
  x_users.take(call);
  x_agenda.add(repeat->at, {AgendaItem::Kind::repeat, repeat->number});
}

void ScenarioRun::let_think(actors::CallNumber call) {
  const auto user = x_users.take(call);
  if (user && x_workload != nullptr) x_workload->answered(user->client, user->user, now());
}

void ScenarioRun::call(const Arrival& arrival, std::string key) {
  const actors::CallNumber number = ++x_last_call;
  const ClientSpec& client = x_scenario.clients[arrival.client];
  if (client.slot) {
    // Nobody is there to be asked for one, and the app knows.
    if (!x_house.is_up()) return let_think(number);
    return x_slots.ask(number, arrival);
  }
  const TaskId task =
      x_house.is_up() ? x_house.submit(number, client, arrival, key) : unmade_id(number);
  x_recorder.called(task, arrival);
  if (!x_house.is_up()) {
    const Error error = make_error(ErrorCode::backend_unreachable, "nobody is there");
    x_recorder.refused(task, error, arrival.at);
    return call_failed(number, error, arrival.at);
  }
  if (x_checker != nullptr)
    x_checker->called({number, task, arrival.client, key, session_of(client, arrival)}, arrival.at);
  if (x_house.is_whole()) x_calls[number] = {task, arrival, std::move(key)};
}

void ScenarioRun::act(AgendaItem item) {
  using Kind = AgendaItem::Kind;
  if (item.kind == Kind::restart) return restart();
  if (item.kind == Kind::repeat) return call_first(x_retries.take(item.number, now()));
  if (item.kind <= Kind::fault_goes_on) return play_fault(item);
  const auto place = x_calls.find(item.number);
  if (place == x_calls.end()) return x_slots.act(item);
  if (!x_house.is_up()) return;
  if (item.kind == Kind::cancel) {
    if (x_checker != nullptr) x_checker->cancelled(item.number, now());
    x_house.cancel(place->second.task);
  } else if (item.kind == Kind::hang_up) {
    if (x_checker != nullptr) x_checker->hung_up(item.number, now());
    x_recorder.hung_up(place->second.task, now());
    x_retries.settled(item.number);
    let_think(item.number);
    x_house.hang_up(place->second.task, item.number);
  } else {
    Arrival again = place->second.arrival;
    again.at = now();
    call(again, place->second.key);
  }
}

void ScenarioRun::play_fault(AgendaItem item) {
  using Kind = AgendaItem::Kind;
  const auto go_on_after = [&](const std::optional<Duration>& pause) {
    if (pause) x_agenda.add(now() + *pause, {Kind::fault_goes_on, item.number});
  };
  if (item.kind == Kind::fault_goes_on) return go_on_after(x_faults.go_on(item.number, x_house));
  const Fault& fault = x_scenario.faults[item.number];
  const bool begins = item.kind == Kind::fault_begins;
  if (begins) {
    x_agenda.add(now() + fault.lasts, {Kind::fault_ends, item.number});
    go_on_after(x_faults.first_pause(item.number));
    if (x_checker != nullptr) x_checker->fault_began(fault, now());
  }
  const auto changed =
      begins ? x_faults.begin(item.number, x_house) : x_faults.end(item.number, x_house);
  if (changed && x_checker != nullptr) x_checker->configured(*changed, now());
}

void ScenarioRun::act() {
  while (x_agenda.next_at() && *x_agenda.next_at() <= now()) act(x_agenda.take());
}

void ScenarioRun::restart() {
  // It may be down no more, when the last of several deaths is over.
  if (x_house.is_up()) return;
  x_house.restart(x_faults.config());
  if (!x_house.is_up()) return;
  if (x_checker != nullptr) x_checker->started(x_house, now());
  x_faults.catch_up(x_house);
  if (x_checker == nullptr) return;
  for (const auto& [name, settings] : x_scenario.profiles) x_checker->configured(name, now());
}

// -- time -----------------------------------------------------------------------------------------

void ScenarioRun::settle() {
  if (x_house.is_up() && x_house.is_writing()) {
    if (x_checker != nullptr) x_checker->writing(now());
    return;
  }
  x_recorder.settled(now());
  if (x_checker != nullptr && x_house.is_up()) x_checker->settled(x_house, now());
}

std::optional<Duration> ScenarioRun::next_due() const {
  const auto due = x_agenda.next_at();
  const auto call_at = next_call_at();
  return due && call_at ? std::min(due, call_at) : due ? due : call_at;
}

bool ScenarioRun::advance(Duration until) {
  return x_house.run_until(until, [this] {
    settle();
    return next_due().value_or(Duration::max());
  });
}

Result<void> ScenarioRun::make_due_calls() {
  while (next_call_at() && *next_call_at() <= now()) {
    const auto arrival = x_workload->next();
    if (arrival.has_error()) return arrival.error();
    call_first(**arrival);
    if (!x_is_shuffled) break;
  }
  return {};
}

Result<void> ScenarioRun::make_calls() {
  while (next_due() && !is_broken()) {
    const auto due = x_agenda.next_at();
    const bool is_call = next_call_at() && (!due || *next_call_at() < *due);
    // What dies on the way puts its restart on the agenda, who fails on the way the next try.
    if (!advance(*next_due())) continue;
    if (!is_call) {
      act();
      if (!x_is_shuffled) continue;
    }
    if (auto made = make_due_calls(); made.has_error()) return made;
    if (x_is_shuffled) act();
  }
  return {};
}

// Every wait of a caller and every run has a budget, so this ends; but for tasks that nobody waits
// for where nobody can run them. What is on the agenda comes to an end, too: tries are counted, and
// so are the calls of users who are answered meanwhile.
Result<void> ScenarioRun::drain() {
  Duration limit = drain_limit();
  while ((open() > 0 || x_retries.is_any_due() || next_call_at()) && !is_broken()) {
    const auto due = next_due();
    const auto timer = x_house.next_timer();
    const bool is_due = due && (!timer || *due < *timer);
    if (!due && (!timer || *timer > limit)) return {};
    if (!advance(is_due ? *due : *timer)) continue;
    act();
    if (auto made = make_due_calls(); made.has_error()) return made;
    if (is_due) limit = std::max(limit, drain_limit());
  }
  return {};
}

Duration ScenarioRun::drain_limit() const {
  return now() + drain_min + 4 * static_cast<std::int64_t>(open()) * longest_inference(x_scenario);
}

void ScenarioRun::rest() {
  const Duration until = now() + quiet_period;
  while ((now() < until || !x_house.is_up()) && !is_broken()) {
    const auto due = x_agenda.next_at();
    if (advance(due ? std::min(*due, until) : until)) act();
  }
}

Result<RunFigures> ScenarioRun::drive(Workload& workload) {
  if (x_checker != nullptr) x_checker->started(x_house, now());
  x_workload = &workload;
  if (auto made = make_calls(); made.has_error()) return made.error();
  advance(now());
  if (auto made = drain(); made.has_error()) return made.error();
  if (open() > 0 && !is_broken() && x_house.is_up() && x_house.is_whole()) {
    // An end that the disk did not take is made up for at the next start.
    x_house.die_after(0);
    x_house.run();
    if (auto made = drain(); made.has_error()) return made.error();
  }
  x_workload = nullptr;
  if (x_checker != nullptr && !is_broken()) {
    const std::size_t left = open();
    rest();
    if (!is_broken()) x_checker->finished(x_house, x_recorder.figures(), left, now());
  }
  const bool is_endless = open() > 0 && x_checker == nullptr;
  if (is_endless) {
    return make_error(ErrorCode::invalid_request, std::to_string(open()) + " calls never end");
  }
  RunFigures figures = x_recorder.take(now());
  figures.seed = x_seed;
  figures.messages = x_house.messages();
  figures.faults = x_faults.counts();
  figures.repeats = x_retries.repeats();
  figures.given_up = x_retries.given_up();
  for (const auto& [name, work] : x_works) figures.swaps += work.swaps();
  note_tuned_slots(figures);
  return figures;
}

void ScenarioRun::note_tuned_slots(RunFigures& figures) {
  const bool is_any_tuned =
      std::any_of(x_scenario.profiles.begin(), x_scenario.profiles.end(),
                  [](const auto& entry) { return entry.second.tune_slots.has_value(); });
  if (!is_any_tuned || !x_house.is_up()) return;
  for (const actors::ProfileStatus& status : x_house.list_profiles().profiles) {
    const auto profile = x_scenario.profiles.find(status.name);
    if (profile == x_scenario.profiles.end() || !profile->second.tune_slots) continue;
    const auto index = std::distance(x_scenario.profiles.begin(), profile);
    figures.profiles[static_cast<std::size_t>(index)].slots_at_end = status.occupancy.slots;
  }
}

}  // namespace signalbox::sim
