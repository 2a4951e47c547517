// An executor that the test plays: it confirms an abort when the test says so, or never.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

/// Has one LLM, "alpha", for one call at once.
class SlowExecutor {
 public:
  explicit SlowExecutor(HouseFixture& house) : x_house{house} {
    auto& world = house.world();
    const actors::ExecutorActor actor = world.system().spawn(&SlowExecutor::behavior, x_log);
    world.adopt(caf::actor_cast<caf::actor>(actor));
    Llm llm;
    llm.name = "alpha";
    llm.model = "model-of-alpha";
    llm.kind = LlmKind::plugin;
    llm.type = "test";
    llm.group = "alpha";
    llm.status = LlmStatus::active;
    caf::anon_send(house.house().directory, actors::PutLlms{1, actor, {llm}});
    world.run();
  }

  /// About the latest call.
  void say(BackendEvent event) { say(x_log->runs.size() - 1, std::move(event)); }
  void say(std::size_t run, BackendEvent event) {
    const actors::RunTask& call = x_log->runs.at(run);
    caf::anon_send(call.reply_to, actors::BackendReport{call.epoch, std::move(event)});
    x_house.world().run();
  }
  void confirm_stop() {
    say(BackendFailed{make_error(ErrorCode::backend_stream_failed, "aborted"), true});
  }
  void answer() { say(BackendFinished{200, "application/json", make_bytes("answer"), nullptr}); }

  [[nodiscard]] TaskId running() const { return x_log->runs.back().task->id; }
  [[nodiscard]] std::size_t runs() const { return x_log->runs.size(); }
  [[nodiscard]] std::size_t aborts() const { return x_log->aborts.size(); }

 private:
  struct Log {
    std::vector<actors::RunTask> runs;
    std::vector<Epoch> aborts;
  };

  static actors::ExecutorActor::behavior_type behavior(actors::ExecutorActor::pointer,
                                                       std::shared_ptr<Log> log) {
    return {
        [log](const actors::RunTask& message) { log->runs.push_back(message); },
        [log](const actors::AbortTask& message) { log->aborts.push_back(message.epoch); },
        [](const actors::WakeLlm&) {},
        [](const actors::LlmTaken&) {},
    };
  }

  HouseFixture& x_house;
  std::shared_ptr<Log> x_log = std::make_shared<Log>();
};

}  // namespace signalbox::testing
