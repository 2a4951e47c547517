// One backend of each kind there is, played by the test through the same few words, so that one
// suite of tests holds them all to the same promises.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/house_fixture.hpp"
#include "tests/support/played_backend.hpp"

namespace signalbox::testing {

/// A backend with one LLM, as whoever runs it sees it. Every word is said at once; time stands
/// still.
class PlayedExecutor {
 public:
  PlayedExecutor() = default;
  virtual ~PlayedExecutor() = default;
  PlayedExecutor(const PlayedExecutor&) = delete;
  PlayedExecutor& operator=(const PlayedExecutor&) = delete;

  /// Its process starts, for the first time or again.
  virtual void come_up() = 0;
  /// Its process is killed, with all that it runs.
  virtual void die() = 0;
  /// What a living process does by itself now and then.
  virtual void beat() {}

  /// What it has to do: was given, has not ended, was not stopped. In the order it came.
  virtual std::vector<TaskId> running() = 0;
  /// All it was ever given, each attempt for itself.
  virtual std::size_t given() = 0;
  /// It was told to stop that one.
  virtual bool was_stopped(TaskId task) = 0;

  virtual void answer(TaskId task, const std::string& body) = 0;
  /// The next event of a stream.
  virtual void say(TaskId task, const std::string& data) = 0;
  /// The stream ends well.
  virtual void finish(TaskId task) = 0;
  virtual void fail(TaskId task, bool is_retryable) = 0;
};

enum class ExecutorKind { upstream, bound_worker, push_worker, plugin };
inline constexpr std::array all_executor_kinds{ExecutorKind::upstream, ExecutorKind::bound_worker,
                                               ExecutorKind::push_worker, ExecutorKind::plugin};
std::string_view to_string(ExecutorKind kind);
/// The test case runs once for each.
ExecutorKind each_executor_kind();

/// What a house's backends are all asked for together.
inline constexpr const char* shared_pool = "shared";

/// A house whose backends are all of one kind and serve one pool.
class ExecutorWorld {
 public:
  explicit ExecutorWorld(ExecutorKind kind, actors::BrokerSettings settings = {});

  /// One more backend, which is up. @param name of its own.
  PlayedExecutor& add(const std::string& name, std::uint32_t capacity = 1);

  /// Sends a call to the pool and runs; time stands still.
  actors::CallNumber submit(CallSpec spec = {});
  /// Time passes, and those who live show it.
  void pass(Duration duration);
  /// Long enough for each kind to be known as gone, or as there again.
  void let_it_be_noticed() { pass(100s); }
  /// The pool's LLMs as the directory has them.
  std::vector<Llm> llms();
  /// Every call has ended, and nothing is held for any.
  bool is_idle();

  HouseFixture& house() { return x_house; }
  sim::VirtualSystem& world() { return x_house.world(); }

 private:
  /// By port.
  using Servers = std::map<std::uint16_t, std::shared_ptr<PlayedServer>>;
  [[nodiscard]] FixtureOptions options() const;

  ExecutorKind x_kind;
  std::shared_ptr<Servers> x_servers = std::make_shared<Servers>();
  HouseFixture x_house;
  std::vector<std::unique_ptr<PlayedExecutor>> x_executors;
};

}  // namespace signalbox::testing
