#include "simulations/world/run.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "simulations/scenario/workload.hpp"
#include "simulations/world/agenda.hpp"
#include "simulations/world/call_script.hpp"
#include "simulations/world/fault_player.hpp"
#include "simulations/world/server_work.hpp"
#include "simulations/world/simulated_house.hpp"

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

/// One run: a house, what is done to it, and who watches.
class Run final : HouseWitness {
 public:
  Run(const Scenario& scenario, const RunOptions& options);

  Result<RunFigures> drive(Workload& workload);

 private:
  struct Call {
    TaskId task;
    Arrival arrival;
    std::string key;
  };

  Result<void> make_calls(Workload& workload);
  void drain();
  void rest();
  /// @returns false when the process died on the way.
  bool advance(Duration until);
  /// Everything that is due by now.
  void act();
  void act(AgendaItem item);
  void call(const Arrival& arrival, std::string key);
  void call_first(const Arrival& arrival);
  void restart();
  void settle();
  /// Asks the house, which has done all it had to do by then.
  void note_tuned_slots(RunFigures& figures);
  /// The id that a call was made under.
  [[nodiscard]] TaskId id_of(actors::CallNumber call, const actors::CallFacts& facts) const;
  [[nodiscard]] bool is_broken() const { return x_checker != nullptr && x_checker->is_broken(); }
  [[nodiscard]] Duration now() const { return x_house.now(); }

  void committed(const StoreOp& op, const StoreResult& result) override;
  void refused(const actors::TaskRefused& message) override;
  void accepted(const actors::TaskAccepted& message) override;
  void began(const actors::TaskBegan& message) override;
  void data(const actors::TaskData& message) override;
  void ended(const actors::TaskEnded& message) override;
  actors::Playback play(const BackendSpec& backend, const BackendCall& call) override;
  void died(Death death) override;
  void recovered(const ObservedStore& store) override;

  const Scenario& x_scenario;
  std::uint64_t x_seed;
  RunChecker* x_checker;
  Recorder x_recorder;
  FaultPlayer x_faults;
  Agenda x_agenda;
  /// The calls of a house that keeps its tasks; others' clients do nothing about them.
  std::unordered_map<actors::CallNumber, Call> x_calls;
  /// By backend.
  std::map<std::string, ServerWork> x_works;
  actors::CallNumber x_last_call = 0;
  /// Calls at one moment are made before anybody has run, so that they cross.
  bool x_is_shuffled;
  /// Last: it tells the others what happens.
  SimulatedHouse x_house;
};

Run::Run(const Scenario& scenario, const RunOptions& options)
    : x_scenario{scenario},
      x_seed{options.seed},
      x_checker{options.checker},
      x_recorder{scenario, options.observer},
      x_faults{scenario},
      x_is_shuffled{options.schedule_seed || scenario.schedule_seed},
      x_house{scenario, options.schedule_seed ? options.schedule_seed : scenario.schedule_seed,
              *this} {
  for (const BackendSpec& backend : scenario.backends) {
    x_works.emplace(backend.name, ServerWork{backend});
  }
  for (std::size_t index = 0; index < scenario.faults.size(); ++index) {
    x_agenda.add(scenario.faults[index].at, {AgendaItem::Kind::fault_begins, index});
  }
}

// -- what is done to the house --------------------------------------------------------------------

void Run::call_first(const Arrival& arrival) {
  const CallActs& acts = arrival.acts;
  call(arrival, acts.duplicate_after ? "key " + std::to_string(x_last_call + 1) : "");
  const auto note = [&](const std::optional<Duration>& after, AgendaItem::Kind kind) {
    if (after) x_agenda.add(arrival.at + *after, {kind, x_last_call});
  };
  note(acts.cancel_after, AgendaItem::Kind::cancel);
  note(acts.hang_up_after, AgendaItem::Kind::hang_up);
  note(acts.duplicate_after, AgendaItem::Kind::duplicate);
}

void Run::call(const Arrival& arrival, std::string key) {
  const actors::CallNumber number = ++x_last_call;
  const ClientSpec& client = x_scenario.clients[arrival.client];
  const TaskId task =
      x_house.is_up() ? x_house.submit(number, client, arrival.size, key) : unmade_id(number);
  x_recorder.called(task, arrival);
  if (!x_house.is_up()) {
    x_recorder.refused(task, make_error(ErrorCode::backend_unreachable, "nobody is there"),
                       arrival.at);
    return;
  }
  if (x_checker != nullptr) x_checker->called({number, task, arrival.client, key}, arrival.at);
  if (x_house.is_whole()) x_calls[number] = {task, arrival, std::move(key)};
}

void Run::act(AgendaItem item) {
  using Kind = AgendaItem::Kind;
  if (item.kind == Kind::restart) return restart();
  if (item.kind == Kind::fault_begins || item.kind == Kind::fault_ends) {
    const Fault& fault = x_scenario.faults[item.number];
    const bool begins = item.kind == Kind::fault_begins;
    if (begins) x_agenda.add(now() + fault.lasts, {Kind::fault_ends, item.number});
    if (begins && x_checker != nullptr) x_checker->fault_began(fault, now());
    const auto changed =
        begins ? x_faults.begin(item.number, x_house) : x_faults.end(item.number, x_house);
    if (changed && x_checker != nullptr) x_checker->configured(*changed, now());
    return;
  }
  const auto place = x_calls.find(item.number);
  if (place == x_calls.end() || !x_house.is_up()) return;
  if (item.kind == Kind::cancel) {
    if (x_checker != nullptr) x_checker->cancelled(item.number, now());
    x_house.cancel(place->second.task);
  } else if (item.kind == Kind::hang_up) {
    if (x_checker != nullptr) x_checker->hung_up(item.number, now());
    x_recorder.hung_up(place->second.task, now());
    x_house.hang_up(place->second.task, item.number);
  } else {
    Arrival again = place->second.arrival;
    again.at = now();
    call(again, place->second.key);
  }
}

void Run::act() {
  while (x_agenda.next_at() && *x_agenda.next_at() <= now()) act(x_agenda.take());
}

void Run::restart() {
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

void Run::settle() {
  x_recorder.settled(now());
  if (x_checker != nullptr && x_house.is_up()) x_checker->settled(x_house, now());
}

bool Run::advance(Duration until) {
  return x_house.run_until(until, [this] { settle(); });
}

Result<void> Run::make_calls(Workload& workload) {
  auto arrival = workload.next();
  while (!arrival.has_error() && (*arrival || x_agenda.next_at()) && !is_broken()) {
    const auto due = x_agenda.next_at();
    const bool is_call = *arrival && (!due || (*arrival)->at < *due);
    // What dies on the way puts its restart on the agenda.
    if (!advance(is_call ? (*arrival)->at : *due)) continue;
    if (!is_call) {
      act();
      if (!x_is_shuffled) continue;
    }
    while (!arrival.has_error() && *arrival && (*arrival)->at <= now()) {
      call_first(**arrival);
      arrival = workload.next();
      if (!x_is_shuffled) break;
    }
    if (x_is_shuffled) act();
  }
  if (arrival.has_error()) return arrival.error();
  return {};
}

// Every wait of a caller and every run has a budget, so this ends; but for tasks that nobody waits
// for where nobody can run them.
void Run::drain() {
  const Duration limit =
      now() + drain_min +
      4 * static_cast<std::int64_t>(x_recorder.open()) * longest_inference(x_scenario);
  while (x_recorder.open() > 0 && !is_broken()) {
    const auto due = x_agenda.next_at();
    const auto timer = x_house.next_timer();
    const bool is_due = due && (!timer || *due < *timer);
    if (!is_due && (!timer || *timer > limit)) return;
    if (advance(is_due ? *due : *timer)) act();
  }
}

void Run::rest() {
  const Duration until = now() + quiet_period;
  while ((now() < until || !x_house.is_up()) && !is_broken()) {
    const auto due = x_agenda.next_at();
    if (advance(due ? std::min(*due, until) : until)) act();
  }
}

Result<RunFigures> Run::drive(Workload& workload) {
  if (x_checker != nullptr) x_checker->started(x_house, now());
  if (auto made = make_calls(workload); made.has_error()) return made.error();
  advance(now());
  drain();
  if (x_recorder.open() > 0 && !is_broken() && x_house.is_up() && x_house.is_whole()) {
    // An end that the disk did not take is made up for at the next start.
    x_house.die_after(0);
    x_house.run();
    drain();
  }
  if (x_checker != nullptr && !is_broken()) {
    const std::size_t open = x_recorder.open();
    rest();
    if (!is_broken()) x_checker->finished(x_house, x_recorder.figures(), open, now());
  }
  const bool is_endless = x_recorder.open() > 0 && x_checker == nullptr;
  if (is_endless) {
    return make_error(ErrorCode::invalid_request,
                      std::to_string(x_recorder.open()) + " calls never end");
  }
  RunFigures figures = x_recorder.take(now());
  figures.seed = x_seed;
  figures.messages = x_house.messages();
  figures.faults = x_faults.counts();
  for (const auto& [name, work] : x_works) figures.swaps += work.swaps();
  note_tuned_slots(figures);
  return figures;
}

void Run::note_tuned_slots(RunFigures& figures) {
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

// -- what the house does --------------------------------------------------------------------------

TaskId Run::id_of(actors::CallNumber call, const actors::CallFacts& facts) const {
  const auto place = x_calls.find(call);
  return place == x_calls.end() ? facts.task : place->second.task;
}

void Run::committed(const StoreOp& op, const StoreResult& result) {
  if (x_checker != nullptr) x_checker->committed(op, result, now());
  const auto* move = std::get_if<MoveTask>(&op);
  if (move == nullptr && !std::holds_alternative<InsertTask>(op)) return;
  if (result.outcome == StoreResult::Outcome::applied) {
    x_recorder.stored(*result.task, now());
  } else if (move != nullptr && is_terminal(move->to) &&
             result.outcome == StoreResult::Outcome::failed) {
    x_recorder.end_not_stored(move->id, now());
  }
}

void Run::refused(const actors::TaskRefused& message) {
  if (x_checker != nullptr) x_checker->refused(message, now());
  x_recorder.refused(id_of(message.call, message.facts), message.error, now());
}

void Run::accepted(const actors::TaskAccepted& message) {
  if (x_checker != nullptr) x_checker->accepted(message, now());
  const auto place = x_calls.find(message.call);
  if (place != x_calls.end()) x_recorder.accepted(place->second.task, message, now());
}

void Run::began(const actors::TaskBegan& message) {
  if (x_checker != nullptr) x_checker->began(message, now());
}

void Run::data(const actors::TaskData& message) {
  if (x_checker != nullptr) x_checker->data(message, now());
}

void Run::ended(const actors::TaskEnded& message) {
  if (x_checker != nullptr) x_checker->ended(message, now());
  x_recorder.ended(id_of(message.call, message.facts), message, now());
}

actors::Playback Run::play(const BackendSpec& backend, const BackendCall& call) {
  const EndedTask* task = x_recorder.find(call.task);
  const CallSize size = task != nullptr ? task->size : CallSize{};
  const Duration time = x_works.at(backend.name).begin(call.model, size);
  const Fault* fault = x_faults.meet(backend.name, now());
  if (x_checker != nullptr) x_checker->given(call.task, backend, time, fault, now());
  actors::Playback playback = script_call(time, size, call.streaming, fault);
  if (backend.reports_usage) say_usage(playback, size);
  return playback;
}

void Run::died(Death death) {
  x_recorder.died(now());
  if (x_checker != nullptr) x_checker->died(death, now());
  x_agenda.add(now() + x_faults.downtime(), {AgendaItem::Kind::restart, 0});
}

void Run::recovered(const ObservedStore& store) {
  for (const TaskId task : x_recorder.open_tasks()) {
    const auto row = store.load(task);
    if (row.has_value() && row->has_value() && is_terminal((*row)->state)) {
      x_recorder.stored(**row, now());
    }
  }
  if (x_checker != nullptr) x_checker->recovered(store, now());
}

}  // namespace

Result<RunFigures> run(const Scenario& scenario, const RunOptions& options) {
  for (const auto& [name, settings] : scenario.profiles) {
    if (auto error = check(settings)) return std::move(*error);
  }
  auto workload = Workload::open(scenario, options.seed, options.traces);
  if (workload.has_error()) return workload.error();
  return Run{scenario, options}.drive(*workload);
}

}  // namespace signalbox::sim
