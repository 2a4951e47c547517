// A whole house on the virtual clock with a memory store, backends that play scripts, and a
// listener that remembers.
#pragma once

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/backends/playback_actor.hpp"
#include "actors/house.hpp"
#include "persistence/memory_task_store.hpp"
#include "simulations/world/ask.hpp"
#include "simulations/world/virtual_system.hpp"

namespace signalbox::testing {

using namespace std::chrono_literals;

/// What a listener was told about one call.
struct Told {
  std::optional<actors::TaskRefused> refused;
  std::optional<actors::TaskAccepted> accepted;
  std::optional<actors::TaskBegan> began;
  std::string data;
  std::optional<actors::TaskEnded> ended;
  /// What an observer was told: the states, and how often the stream started over.
  std::vector<TaskState> moves;
  int resets = 0;
  /// When the end or the refusal came.
  Instant at{};

  [[nodiscard]] ErrorCode code() const {
    if (refused) return refused->error.code;
    return ended ? ended->error.code : ErrorCode::none;
  }
  [[nodiscard]] bool is_over() const { return refused.has_value() || ended.has_value(); }
};

/// Shared with the listener actor; read by the test when nothing runs.
struct Ledger {
  std::map<actors::CallNumber, Told> calls;
  /// Calls in the order their ends came.
  std::vector<actors::CallNumber> order;
};

/// How one call is made; the rest has defaults.
struct CallSpec {
  std::string target = "alpha";
  Priority priority = Priority::workflow;
  bool streaming = false;
  bool is_async = false;
  bool fail_fast = false;
  bool takes_absent = false;
  std::string profile = {};
  std::string body = "{}";
  std::string key = {};
  std::string agent = {};
  std::optional<Duration> queue_wait = {};
  std::optional<Duration> inference = {};
  std::string session = {};
  std::string owner = "tester";
  CallSize size = {};
};

struct FixtureOptions {
  SessionRules session_rules = {};
  std::optional<config::GcSettings> gc = {};
  std::uint32_t session_retention_s = 14'400;
  actors::PushDeskSettings push_desk = {};
};

/// Asks an actor and runs the world until it has answered.
template <class Answer, class Handle, class Question>
Answer ask(sim::VirtualSystem& world, const Handle& actor, Question question) {
  const auto answer = sim::put_question<Answer>(world, actor, std::move(question));
  world.run();
  SIGNALBOX_ASSERT(answer->has_value());
  return **answer;
}

class HouseFixture {
 public:
  explicit HouseFixture(actors::BrokerSettings settings = {}, sim::VirtualOptions options = {},
                        FixtureOptions house_options = {});
  ~HouseFixture();

  /// An in-process backend with one LLM, `capacity` calls at once, that plays `script`.
  void add_backend(const std::string& llm, std::uint32_t capacity, actors::PlaybackScript script,
                   const std::string& pool = {});
  /// The backend of that LLM comes or goes.
  void set_present(const std::string& llm, bool is_present);

  /// Sends the call and runs; time stands still. @returns its number.
  actors::CallNumber submit(const CallSpec& spec);
  /// Sends without running.
  actors::CallNumber submit_later(const CallSpec& spec);
  void hang_up(actors::CallNumber call);
  void hang_up_later(actors::CallNumber call);
  /// Follows the task of another call. @returns the number of the following.
  /// @param wants_past as in WatchTask.
  actors::CallNumber observe(TaskId task, bool wants_past = false);
  actors::CallNumber observe_later(TaskId task, bool wants_past = false);
  void cancel(TaskId task);
  void configure(actors::ConfigureProfile change);
  actors::ProfileStatus profile(const std::string& name);
  std::vector<CallRow> rows();

  const Told& told(actors::CallNumber call) { return x_ledger->calls[call]; }
  TaskId task_of(actors::CallNumber call) { return x_tasks.at(call); }
  Task stored(actors::CallNumber call);

  /// The process dies: actors are gone, the store keeps what was committed. Then a new house on the
  /// same store.
  void kill_and_restart();

  sim::VirtualSystem& world() { return *x_world; }
  persistence::MemoryTaskStore& store() { return *x_store; }
  Ledger& ledger() { return *x_ledger; }
  actors::House& house() { return x_house; }

 private:
  void build();

  actors::BrokerSettings x_settings;
  sim::VirtualOptions x_options;
  FixtureOptions x_house_options;
  std::shared_ptr<persistence::MemoryTaskStore> x_store;
  std::shared_ptr<Ledger> x_ledger = std::make_shared<Ledger>();
  std::unique_ptr<sim::VirtualSystem> x_world;
  actors::House x_house;
  actors::TaskListener x_listener;
  struct BackendSpec {
    Llm llm;
    actors::PlaybackScript script;
    ExecutorId id = 0;
  };
  std::map<std::string, BackendSpec> x_backends;
  std::map<actors::CallNumber, TaskId> x_tasks;
  actors::CallNumber x_next_call = 1;
};

/// Answers `body` whole after `service`.
actors::PlaybackScript whole_answer(Duration service, std::string body = "answer");
/// A stream of `events` events, `gap` before each, that ends well.
actors::PlaybackScript stream_answer(int events, Duration gap);
/// Fails after `delay`, before the first byte.
actors::PlaybackScript failure(ErrorCode code, bool is_retryable, Duration delay = 0ms);

}  // namespace signalbox::testing
