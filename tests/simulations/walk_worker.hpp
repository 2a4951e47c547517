// A worker of the random walk: every move is only sent, so that it crosses with what the house is
// doing, and what it is told is noted when it arrives.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/worker_fixture.hpp"

namespace signalbox::testing {

/// A result that the house acknowledged.
struct Receipt {
  TaskId task;
  SessionId session;
  bool is_success = false;
};

class WalkWorker {
 public:
  /// A task that it was sent, and may have lost since.
  struct Job {
    TaskId task;
    std::uint32_t attempt = 0;
    bool has_chunks = false;
  };

  WalkWorker(HouseFixture& house, std::vector<OfferedLlm> llms);

  /// After a restart of the house: its handles are gone.
  void reconnect();
  void offer();
  void bind();
  void unbind();
  void heartbeat(std::vector<std::pair<std::string, LlmStatus>> llms);
  void drain();
  void leave();
  void chunk(Job& job);
  void finish(const Job& job);
  void fail(const Job& job, bool is_retryable);
  void answer_wake(TaskId wake, bool is_well);

  [[nodiscard]] const std::vector<OfferedLlm>& llms() const { return x_llms; }
  [[nodiscard]] bool has_session() const { return !x_state->key.session.is_nil(); }
  [[nodiscard]] bool is_open() const { return x_state->is_open; }
  /// Held, and lost ones that it brings all the same.
  std::vector<Job>& jobs() { return x_state->jobs; }
  std::vector<TaskId>& wakes() { return x_state->wakes; }
  [[nodiscard]] const std::vector<Receipt>& receipts() const { return x_state->receipts; }

 private:
  struct State {
    actors::SessionKey key;
    actors::CallNumber channel = 0;
    bool is_open = false;
    std::vector<Job> jobs;
    std::vector<TaskId> wakes;
    std::vector<Receipt> receipts;
  };
  static void note(State& state, const actors::WorkerFrame& message);
  static actors::WorkerChannel::behavior_type channel(actors::WorkerChannel::pointer self,
                                                      std::shared_ptr<State> state);
  void bring(actors::WorkerResult result, bool is_success);

  HouseFixture& x_house;
  std::vector<OfferedLlm> x_llms;
  std::shared_ptr<State> x_state = std::make_shared<State>();
  actors::WorkerChannel x_handle;
};

}  // namespace signalbox::testing
