// Stands in a task's place before an executor: takes a lease, runs a task of its own under it, and
// keeps every report word for word.
#pragma once

#include <memory>
#include <vector>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

class ExecutorProbe {
 public:
  explicit ExecutorProbe(HouseFixture& house);
  ~ExecutorProbe();

  /// @returns whether a lease on some backend of `target` came at once.
  bool take_lease(const std::string& target);
  /// Hands a new task to the leased backend. @returns its id.
  TaskId run(bool is_streaming = false);
  /// Hands over the same task once more, under the next epoch.
  void run_again(bool is_streaming = false);
  void abort(Epoch epoch);

  /// What was reported under `epoch`.
  [[nodiscard]] std::vector<BackendEvent> reports(Epoch epoch) const;
  /// Ends among them: there may be one, and nothing may come after it.
  [[nodiscard]] std::size_t ends(Epoch epoch) const;
  [[nodiscard]] bool ends_last(Epoch epoch) const;
  /// Of the task that was handed over last.
  [[nodiscard]] Epoch epoch() const { return x_epoch; }

 private:
  struct Log {
    std::vector<std::pair<Epoch, BackendEvent>> reports;
    std::optional<actors::LeaseGranted> lease;
    TaskId task;
  };
  static actors::TaskActor::behavior_type behavior(actors::TaskActor::pointer self,
                                                   std::shared_ptr<Log> log);
  void send_run(bool is_streaming);

  HouseFixture& x_house;
  std::shared_ptr<Log> x_log = std::make_shared<Log>();
  actors::TaskActor x_actor;
  Task x_task;
  Epoch x_epoch = 0;
};

bool is_end(const BackendEvent& event);

}  // namespace signalbox::testing
