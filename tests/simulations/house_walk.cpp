#include "tests/simulations/house_walk.hpp"

#include <algorithm>

namespace signalbox::testing {
namespace {

const std::vector<std::string> targets{"pool", "pool", "alpha", "beta", "sleepy"};

/// Enough for what was refused to be tried again, and for every call to run.
constexpr int rounds_to_end = 400;

sim::VirtualOptions shuffled(std::uint64_t seed) {
  sim::VirtualOptions options;
  options.schedule_seed = seed;
  return options;
}

FixtureOptions impatient_house() {
  FixtureOptions options;
  options.session_rules = {5s, 3s};
  return options;
}

bool is_held(TaskState state) {
  return state == TaskState::claimed || state == TaskState::running;
}

}  // namespace

HouseWalk::HouseWalk(std::uint64_t seed)
    : x_random{seed, "walk"}, x_house{{}, shuffled(seed), impatient_house()} {
  x_workers.emplace_back(x_house, std::vector{offered("alpha", 2, "pool")});
  x_workers.emplace_back(x_house, std::vector{offered("beta", 1, "pool")});
  x_workers.emplace_back(x_house, std::vector{offered("sleepy", 1, {}, LlmStatus::hibernating)});
  // Takes the first one's name whenever that one is away.
  x_workers.emplace_back(x_house, std::vector{offered("alpha", 1, "pool")});
  x_actors_at_start = running_actors();
  for (WalkWorker& worker : x_workers) worker.offer();
  x_house.world().run();
  for (WalkWorker& worker : x_workers) worker.bind();
  x_house.world().run();
}

std::size_t HouseWalk::running_actors() {
  return x_house.world().system().registry().running();
}

void HouseWalk::note(const std::string& move) {
  x_trace += move + "; ";
}

// -- moves ---------------------------------------------------------------------------------------

std::string HouseWalk::step() {
  const auto choice = x_random.below(100);
  choice < 45 ? client_moves(choice) : worker_moves(choice);
  if (x_random.below(3) > 0) {
    x_house.world().run_some(x_random.below(25));
    return check_rows();
  }
  x_house.world().run();
  for (const auto& check :
       {&HouseWalk::check_rows, &HouseWalk::check_receipts, &HouseWalk::check_places}) {
    if (auto broken = (this->*check)(); !broken.empty()) return broken;
  }
  return {};
}

void HouseWalk::client_moves(std::uint64_t choice) {
  if (choice < 20 || x_calls.empty()) return submit();
  const actors::CallNumber call = any(x_calls);
  if (choice < 25) {
    note("hang up " + std::to_string(call));
    x_lost_calls.insert(call);
    return x_house.hang_up_later(call);
  }
  if (choice < 29) {
    const auto observer = x_house.observe_later(x_house.task_of(call));
    note("observe " + std::to_string(call) + " as " + std::to_string(observer));
    x_lost_calls.insert(observer);
    x_calls.push_back(observer);
    return;
  }
  if (choice < 32) {
    note("cancel " + std::to_string(call));
    caf::anon_send(x_house.house().broker, actors::CancelTask{x_house.task_of(call)});
    return;
  }
  if (choice == 32 && x_random.below(3) == 0) return restart();
  const auto pause = std::chrono::milliseconds{1 + x_random.below(1500)};
  note("wait " + std::to_string(pause.count()));
  x_house.world().advance(pause);
}

void HouseWalk::submit() {
  CallSpec spec;
  spec.target = any(targets);
  spec.priority = all_priorities[x_random.below(3)];
  spec.is_async = x_random.below(2) == 0;
  spec.streaming = x_random.below(2) == 0;
  if (x_random.below(4) == 0) spec.key = "key" + std::to_string(x_random.below(6));
  if (spec.target == "pool" && x_random.below(3) == 0) spec.agent = "scout";
  if (x_random.below(4) == 0) spec.queue_wait = std::chrono::seconds{1 + x_random.below(4)};
  if (x_random.below(6) == 0) spec.inference = std::chrono::seconds{1 + x_random.below(4)};
  x_calls.push_back(x_house.submit_later(spec));
  note("submit " + std::to_string(x_calls.back()) + " to " + spec.target +
       (spec.is_async ? " async" : "") + (spec.streaming ? " stream " : " ") + spec.key);
}

void HouseWalk::restart() {
  note("restart");
  x_house.kill_and_restart();
  // Who waited has lost its connection; what it had submitted may have been told the store's end.
  x_lost_calls.insert(x_calls.begin(), x_calls.end());
  for (WalkWorker& worker : x_workers) worker.reconnect();
}

void HouseWalk::worker_moves(std::uint64_t choice) {
  const auto number = x_random.below(x_workers.size());
  WalkWorker& worker = x_workers[number];
  const std::string who = " worker " + std::to_string(number);
  if (choice < 49) {
    note("offer" + who);
    return worker.offer();
  }
  if (!worker.has_session()) return;
  if (choice < 57) {
    note("bind" + who);
    worker.bind();
  } else if (choice < 61) {
    note("unbind" + who);
    worker.unbind();
  } else if (choice < 63) {
    note("drain" + who);
    worker.drain();
  } else if (choice < 65) {
    note("leave" + who);
    worker.leave();
  } else if (choice < 73) {
    std::vector<std::pair<std::string, LlmStatus>> said;
    if (number == 2 && x_random.below(2) == 0) {
      said.emplace_back("sleepy",
                        x_random.below(2) == 0 ? LlmStatus::active : LlmStatus::hibernating);
    }
    note("heartbeat" + who + (said.empty() ? "" : " " + std::string{to_string(said[0].second)}));
    worker.heartbeat(std::move(said));
  } else {
    note("work" + who);
    worker_works(worker);
  }
}

void HouseWalk::worker_works(WalkWorker& worker) {
  if (!worker.wakes().empty() && x_random.below(2) == 0) {
    worker.answer_wake(worker.wakes().back(), x_random.below(3) > 0);
    worker.wakes().pop_back();
    return;
  }
  auto& jobs = worker.jobs();
  if (jobs.empty()) return;
  const auto place = x_random.below(jobs.size());
  const auto way = x_random.below(8);
  if (way < 3) return worker.chunk(jobs[place]);
  if (way < 6) {
    worker.finish(jobs[place]);
  } else {
    worker.fail(jobs[place], way == 6);
  }
  // Now and then it brings the same again.
  if (x_random.below(4) > 0) jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(place));
}

// -- what must hold ------------------------------------------------------------------------------

std::string HouseWalk::check_rows() {
  for (const actors::CallNumber call : x_calls) {
    const TaskId id = x_house.task_of(call);
    const auto loaded = x_house.store().load(id);
    const Told& told = x_house.told(call);
    const std::string who = "call " + std::to_string(call) + ": ";
    if (!loaded->has_value()) {
      if (x_rows.contains(id)) return who + "its row is gone";
      if (told.accepted && told.accepted->task->id == id) return who + "accepted, not stored";
      continue;
    }
    const Task& row = **loaded;
    Task& before = x_rows.try_emplace(id, row).first->second;
    if (is_terminal(before.state) && !(before == row)) return who + "a terminal row has changed";
    if (row.attempts < before.attempts || row.losses < before.losses) return who + "went back";
    before = row;
    // A store that goes down with the house tells so, which is no end.
    const bool is_end = told.ended && told.code() != ErrorCode::store_failed;
    if (is_end && told.ended->task->id == id && !is_terminal(row.state)) {
      return who + "was told an end that is not stored";
    }
  }
  auto order = x_house.ledger().order;
  std::sort(order.begin(), order.end());
  if (std::adjacent_find(order.begin(), order.end()) != order.end()) return "a call ended twice";
  return {};
}

std::string HouseWalk::check_receipts() {
  for (const WalkWorker& worker : x_workers) {
    for (const Receipt& receipt : worker.receipts()) {
      const auto loaded = x_house.store().load(receipt.task);
      if (!receipt.is_success) continue;
      const bool is_kept = loaded->has_value() && (*loaded)->state == TaskState::completed &&
                           (*loaded)->claimed_by == receipt.session.to_string();
      if (!is_kept) return "a result was acknowledged that is not stored";
    }
  }
  return {};
}

std::string HouseWalk::check_places() {
  const auto list =
      ask<actors::ProfileList>(x_house.world(), x_house.house().broker, actors::ListProfiles{});
  std::size_t in_flight = 0;
  std::size_t waiting = 0;
  for (const auto& profile : list.profiles) {
    in_flight += profile.occupancy.in_flight;
    for (const std::size_t count : profile.occupancy.waiting) waiting += count;
  }
  std::size_t held = 0;
  std::size_t pending = 0;
  for (const auto& [id, row] : x_rows) {
    held += is_held(row.state) ? 1 : 0;
    pending += row.state == TaskState::pending ? 1 : 0;
  }
  const auto llms =
      ask<actors::LlmList>(x_house.world(), x_house.house().directory, actors::ListLlms{});
  std::size_t running = 0;
  for (const Llm& llm : llms.table->llms) running += llm.running;
  const std::string counts = std::to_string(held) + " held and " + std::to_string(pending) +
                             " pending rows, " + std::to_string(in_flight) + " slots, " +
                             std::to_string(waiting) + " waiting, " + std::to_string(running) +
                             " leases";
  return in_flight == held && waiting == pending && running <= in_flight ? "" : counts;
}

// -- the end -------------------------------------------------------------------------------------

void HouseWalk::bring_all_back() {
  for (WalkWorker& worker : x_workers) {
    worker.leave();
    x_house.world().run();
  }
  for (WalkWorker& worker : x_workers) {
    worker.offer();
    x_house.world().run();
    worker.jobs().clear();
    worker.bind();
    x_house.world().run();
  }
}

std::string HouseWalk::finish() {
  x_house.world().run();
  bring_all_back();
  for (int round = 0; round < rounds_to_end; ++round) {
    for (WalkWorker& worker : x_workers) {
      worker.heartbeat({});
      for (const TaskId wake : std::exchange(worker.wakes(), {})) worker.answer_wake(wake, true);
      for (const auto& job : std::exchange(worker.jobs(), {})) worker.finish(job);
    }
    x_house.world().advance(1s);
    if (auto broken = check_rows(); !broken.empty()) return broken;
    const bool is_over = std::all_of(x_rows.begin(), x_rows.end(), [](const auto& entry) {
      return is_terminal(entry.second.state);
    });
    if (is_over) break;
  }
  x_house.world().advance(120s);
  for (const auto& check : {&HouseWalk::check_rows, &HouseWalk::check_receipts,
                            &HouseWalk::check_places, &HouseWalk::check_end}) {
    if (auto broken = (this->*check)(); !broken.empty()) return broken;
  }
  return {};
}

std::string HouseWalk::check_end() {
  for (const auto& [id, row] : x_rows) {
    if (!is_terminal(row.state)) {
      return id.to_string() + " of " + row.pool +
             " never ends: " + std::string{to_string(row.state)};
    }
  }
  for (const actors::CallNumber call : x_calls) {
    const Told& told = x_house.told(call);
    if (!x_lost_calls.contains(call) && !told.is_over() && !told.accepted) {
      return "call " + std::to_string(call) + " was never told";
    }
  }
  const auto profiles =
      ask<actors::ProfileList>(x_house.world(), x_house.house().broker, actors::ListProfiles{});
  const auto workers = ask<actors::WorkerList>(x_house.world(), x_house.house().registrar,
                                               actors::ListWorkers{"worker", true});
  const std::size_t expected =
      x_actors_at_start + profiles.profiles.size() + workers.workers.size();
  if (running_actors() == expected) return {};
  return std::to_string(running_actors()) + " actors are left, " + std::to_string(expected) +
         " have a reason";
}

}  // namespace signalbox::testing
