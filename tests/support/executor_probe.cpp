#include "tests/support/executor_probe.hpp"

#include <algorithm>

namespace signalbox::testing {

bool is_end(const BackendEvent& event) {
  return !std::holds_alternative<BackendBegan>(event) &&
         !std::holds_alternative<BackendEvents>(event);
}

// A task's interface, of which an executor and the directory use three messages.
actors::TaskActor::behavior_type ExecutorProbe::behavior(actors::TaskActor::pointer self,
                                                         std::shared_ptr<Log> log) {
  return {
      [log](const actors::LeaseGranted& message) { log->lease = message; },
      [](const actors::LeaseParked&) {},
      [](const actors::LeaseStillParked&) {},
      [](const actors::LeaseRefused&) {},
      [](const actors::StoreAnswer&) {},
      [](actors::TurnReserved) {},
      [](const actors::TurnRefused&) {},
      [](const actors::TurnGranted&) {},
      [](actors::LeftProfile) {},
      [](actors::TurnUnwatched) {},
      [](actors::LeaseWithdrawn) {},
      [](actors::Retire) {},
      [](const actors::BudgetExpired&) {},
      [self, log](const actors::BackendReport& message) {
        log->reports.emplace_back(message.epoch, message.event);
        // Whoever brought a result is answered, as a task would.
        if (message.receipt) {
          self->send(message.receipt, actors::ResultStored{log->task, message.epoch, {}});
        }
      },
      [](const actors::RetryTick&) {},
      [](const actors::AbortTick&) {},
      [](actors::YieldTurn) {},
      [](const actors::AddListener&) {},
      [](const actors::RemoveListener&) {},
      [](const actors::EndTask&) {},
      [](actors::ShelveTask) { return actors::Done{}; },
  };
}

ExecutorProbe::ExecutorProbe(HouseFixture& house) : x_house{house} {
  x_actor = house.world().system().spawn(&ExecutorProbe::behavior, x_log);
  house.world().adopt(caf::actor_cast<caf::actor>(x_actor));
}

ExecutorProbe::~ExecutorProbe() {
  x_log->lease.reset();
}

bool ExecutorProbe::take_lease(const std::string& target) {
  x_log->lease.reset();
  actors::AcquireLease acquire;
  acquire.request.requester = "probe";
  acquire.request.target = target;
  acquire.client = x_actor;
  caf::anon_send(x_house.house().directory, std::move(acquire));
  x_house.world().run();
  return x_log->lease.has_value();
}

TaskId ExecutorProbe::run(bool is_streaming) {
  x_task = Task{};
  x_task.id = TaskId{x_house.world().ids()->next()};
  x_log->task = x_task.id;
  send_run(is_streaming);
  return x_task.id;
}

void ExecutorProbe::run_again(bool is_streaming) {
  send_run(is_streaming);
}

void ExecutorProbe::send_run(bool is_streaming) {
  const Lease& lease = x_log->lease->lease;
  ++x_task.attempts;
  ++x_epoch;
  x_task.streaming = is_streaming;
  x_task.state = TaskState::claimed;
  actors::RunTask run;
  run.epoch = x_epoch;
  run.task = share(x_task);
  run.request = make_bytes("{}");
  run.llm = lease.llm;
  run.model = lease.model;
  run.executor = lease.executor;
  run.reply_to = x_actor;
  caf::anon_send(x_log->lease->executor, std::move(run));
  x_house.world().run();
}

void ExecutorProbe::abort(Epoch epoch) {
  caf::anon_send(x_log->lease->executor, actors::AbortTask{x_task.id, epoch});
  x_house.world().run();
}

std::vector<BackendEvent> ExecutorProbe::reports(Epoch epoch) const {
  std::vector<BackendEvent> events;
  for (const auto& [under, event] : x_log->reports) {
    if (under == epoch) events.push_back(event);
  }
  return events;
}

std::size_t ExecutorProbe::ends(Epoch epoch) const {
  const auto events = reports(epoch);
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), is_end));
}

bool ExecutorProbe::ends_last(Epoch epoch) const {
  const auto events = reports(epoch);
  return ends(epoch) == 1 && is_end(events.back());
}

}  // namespace signalbox::testing
