// Goal: a plugin's code holds up nobody but itself: it throws, stalls, is cancelled and left
// behind, and the daemon goes on. Method: real threads; a gate in the test decides when a call
// returns. What is seen on a plugin's thread is checked on the test's own, the only one that may.
#include "cli/serve/plugin_threads.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>

#include "tests/support/plain_joiner.hpp"

namespace signalbox::cli {
namespace {

using namespace std::chrono_literals;
using plugin::Answer;

/// Far longer than anything here takes; ends a test that hangs.
constexpr auto patience = 20s;

std::chrono::steady_clock::time_point soon() {
  return std::chrono::steady_clock::now() + patience;
}

MakeStreamJoiner plain() {
  return [](TaskKind) { return std::make_unique<testing::PlainJoiner>(); };
}

using Run = std::function<Answer(plugin::Call&)>;

class LambdaBackend final : public plugin::Backend {
 public:
  explicit LambdaBackend(Run run) : x_run{std::move(run)} {}
  Answer run(plugin::Call& call) override { return x_run(call); }

 private:
  Run x_run;
};

std::shared_ptr<PluginBackend> backend(std::uint32_t capacity, Run run) {
  return std::make_shared<PluginBackend>(std::make_shared<LambdaBackend>(std::move(run)), capacity,
                                         plain());
}

/// What the listener of one call was told.
struct Heard {
  std::mutex mutex;
  std::vector<BackendEvent> events;
  std::promise<BackendEvent> end;
  std::future<BackendEvent> ended = end.get_future();

  BackendEvent wait() {
    REQUIRE(ended.wait_for(patience) == std::future_status::ready);
    return ended.get();
  }
};

BackendListener listen(const std::shared_ptr<Heard>& heard) {
  return [heard](BackendEvent event) {
    const std::lock_guard lock{heard->mutex};
    heard->events.push_back(event);
    const bool is_end = !std::holds_alternative<BackendBegan>(event) &&
                        !std::holds_alternative<BackendEvents>(event);
    if (is_end) heard->end.set_value(std::move(event));
  };
}

BackendCall call(bool is_streaming = false) {
  BackendCall call;
  call.request = make_bytes("{}");
  call.streaming = is_streaming;
  return call;
}

ErrorCode code_of(const BackendEvent& event) {
  const auto* failed = std::get_if<BackendFailed>(&event);
  return failed == nullptr ? ErrorCode::none : failed->error.code;
}

/// Opened once, for all.
class Gate {
 public:
  void open() {
    {
      const std::lock_guard lock{x_mutex};
      x_is_open = true;
    }
    x_changed.notify_all();
  }
  void pass() {
    std::unique_lock lock{x_mutex};
    x_changed.wait_for(lock, patience, [this] { return x_is_open; });
  }

 private:
  std::mutex x_mutex;
  std::condition_variable x_changed;
  bool x_is_open = false;
};

}  // namespace

TEST_CASE("plugin threads: as many calls at once as the capacity says, none on the caller's thread",
          "[cli][plugin]") {
  Gate all_are_there;
  std::atomic<int> inside = 0;
  std::atomic<bool> is_on_callers_thread = false;
  const auto self = std::this_thread::get_id();
  const auto threads = backend(3, [&](plugin::Call&) {
    if (std::this_thread::get_id() == self) is_on_callers_thread = true;
    if (++inside == 3) all_are_there.open();
    all_are_there.pass();
    return Answer::whole("fine");
  });
  std::vector<std::shared_ptr<Heard>> heard;
  for (int index = 0; index < 3; ++index) {
    heard.push_back(std::make_shared<Heard>());
    threads->start(call(), listen(heard.back()));
  }
  for (const auto& each : heard) {
    const BackendEvent end = each->wait();
    REQUIRE(std::holds_alternative<BackendFinished>(end));
    CHECK(*std::get<BackendFinished>(end).body == "fine");
  }
  CHECK(inside == 3);
  CHECK_FALSE(is_on_callers_thread);
}

TEST_CASE("plugin threads: a place is free when the end is told", "[cli][plugin]") {
  const auto threads = backend(1, [](plugin::Call&) { return Answer::whole("fine"); });
  for (int index = 0; index < 300; ++index) {
    const auto heard = std::make_shared<Heard>();
    threads->start(call(), listen(heard));
    CHECK(code_of(heard->wait()) == ErrorCode::none);
  }
}

TEST_CASE("plugin threads: what it throws is the end of that call alone", "[cli][plugin]") {
  std::atomic<int> count = 0;
  const auto threads = backend(1, [&](plugin::Call&) -> Answer {
    if (count++ == 0) throw std::runtime_error("oops");
    return Answer::whole("fine");
  });
  auto heard = std::make_shared<Heard>();
  threads->start(call(), listen(heard));
  CHECK(code_of(heard->wait()) == ErrorCode::backend_error);
  heard = std::make_shared<Heard>();
  threads->start(call(), listen(heard));
  CHECK(code_of(heard->wait()) == ErrorCode::none);
}

TEST_CASE("plugin threads: a cancel ends a pause and silences what is said", "[cli][plugin]") {
  Gate is_waiting;
  std::atomic<bool> is_over = false;
  const auto threads = backend(1, [&](plugin::Call& call) {
    call.say("a");
    is_waiting.open();
    const bool has_waited_in_vain = !call.pause(1h);
    is_over = has_waited_in_vain && call.is_cancelled() && !call.say("b");
    return Answer::streamed();
  });
  const auto heard = std::make_shared<Heard>();
  const auto number = threads->start(call(true), listen(heard));
  is_waiting.pass();
  threads->cancel(number);
  CHECK(code_of(heard->wait()) == ErrorCode::backend_stream_failed);
  CHECK(is_over);
  // Began, one piece, the end.
  CHECK(heard->events.size() == 3);
  threads->cancel(number);
  threads->cancel(12345);
}

TEST_CASE("plugin threads: one that is deaf to a cancel counts as down until it is back",
          "[cli][plugin]") {
  Gate gate;
  const auto threads = backend(1, [&](plugin::Call&) {
    gate.pass();
    return Answer::whole("late");
  });
  const auto is_down = [&] {
    bool down = false;
    threads->list_models([&](const auto& models) { down = models.has_error(); });
    return down;
  };
  const auto deaf = std::make_shared<Heard>();
  const auto number = threads->start(call(), listen(deaf));
  CHECK_FALSE(is_down());
  threads->cancel(number);
  // Every place is taken: refused at once, and retryable.
  const auto refused = std::make_shared<Heard>();
  threads->start(call(), listen(refused));
  const BackendEvent end = refused->wait();
  CHECK(code_of(end) == ErrorCode::backend_unreachable);
  CHECK(std::get<BackendFailed>(end).retryable);
  const auto until = soon();
  while (!is_down() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  CHECK(is_down());
  gate.open();
  // It was given up on: what it says in the end is no answer.
  CHECK(code_of(deaf->wait()) == ErrorCode::backend_stream_failed);
  CHECK_FALSE(is_down());
  const auto next = std::make_shared<Heard>();
  threads->start(call(), listen(next));
  CHECK(code_of(next->wait()) == ErrorCode::none);
}

TEST_CASE("plugin threads: one that stalls at the end is left behind and reaches nobody",
          "[cli][plugin]") {
  const auto gate = std::make_shared<Gate>();
  const auto has_returned = std::make_shared<std::promise<void>>();
  const auto heard = std::make_shared<Heard>();
  {
    PluginThreads threads{plain()};
    const auto made =
        threads.make_backend(std::make_shared<LambdaBackend>([gate](plugin::Call& call) {
                               gate->pass();
                               call.say("too late");
                               return Answer::whole("too late");
                             }),
                             1);
    made->start(call(true), listen(heard));
    threads.shut({});
    CHECK_FALSE(threads.wait(std::chrono::steady_clock::now() + 50ms));
    const auto late = std::make_shared<Heard>();
    made->start(call(), listen(late));
    CHECK(code_of(late->wait()) == ErrorCode::backend_unreachable);
    gate->open();
    CHECK(threads.wait(soon()));
  }
  CHECK(heard->events.empty());
}

TEST_CASE("plugin threads: of calls that have ended nothing of the plugin's is left",
          "[cli][plugin]") {
  // Takes its time to go, as whatever is large may.
  struct LingeringJoiner final : StreamJoiner {
    explicit LingeringJoiner(std::shared_ptr<std::atomic<bool>> gone) : is_gone{std::move(gone)} {}
    ~LingeringJoiner() override {
      std::this_thread::sleep_for(50ms);
      *is_gone = true;
    }
    void add(std::string_view) override {}
    [[nodiscard]] std::string body() const override { return {}; }
    std::shared_ptr<std::atomic<bool>> is_gone;
  };
  const auto is_gone = std::make_shared<std::atomic<bool>>(false);
  auto lambda =
      std::make_shared<LambdaBackend>([](plugin::Call&) { return Answer::whole("fine"); });
  const std::weak_ptr<LambdaBackend> left = lambda;
  {
    PluginThreads threads{
        [is_gone](TaskKind) { return std::make_unique<LingeringJoiner>(is_gone); }};
    const auto made = threads.make_backend(std::move(lambda), 1);
    const auto heard = std::make_shared<Heard>();
    made->start(call(), listen(heard));
    CHECK(code_of(heard->wait()) == ErrorCode::none);
    threads.shut({});
    CHECK(threads.wait(soon()));
    CHECK(*is_gone);
  }
  CHECK(left.expired());
}

TEST_CASE("plugin threads: its own thread does one thing after another", "[cli][plugin]") {
  PluginThreads threads{plain()};
  std::vector<int> order;
  std::promise<void> done;
  for (int index = 0; index < 100; ++index) {
    CHECK(threads.post([&order, index] { order.push_back(index); }, false));
  }
  threads.post([&done] { done.set_value(); }, false);
  REQUIRE(done.get_future().wait_for(patience) == std::future_status::ready);
  CHECK(order.size() == 100);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("plugin threads: who lags behind misses what may be missed, and nothing else",
          "[cli][plugin]") {
  Gate gate;
  PluginThreads threads{plain()};
  threads.post([&gate] { gate.pass(); }, false);
  std::size_t taken = 0;
  std::atomic<std::size_t> done = 0;
  for (std::size_t index = 0; index < 2 * plugin_work_max; ++index) {
    if (threads.post([&done] { ++done; }, true)) ++taken;
  }
  CHECK(taken <= plugin_work_max);
  CHECK(taken >= plugin_work_max - 1);
  CHECK(threads.post([&done] { ++done; }, false));
  std::promise<void> end;
  threads.post([&end] { end.set_value(); }, false);
  gate.open();
  REQUIRE(end.get_future().wait_for(patience) == std::future_status::ready);
  CHECK(done == taken + 1);
}

TEST_CASE("plugin threads: at the end the last word is heard, and what waits is dropped",
          "[cli][plugin]") {
  Gate gate;
  PluginThreads threads{plain()};
  std::atomic<bool> is_dropped_done = false;
  std::atomic<bool> is_last_done = false;
  std::promise<void> is_in;
  threads.post(
      [&] {
        is_in.set_value();
        gate.pass();
      },
      false);
  REQUIRE(is_in.get_future().wait_for(patience) == std::future_status::ready);
  threads.post([&] { is_dropped_done = true; }, false);
  threads.shut([&] { is_last_done = true; });
  CHECK_FALSE(threads.post([] {}, false));
  CHECK_FALSE(threads.wait(std::chrono::steady_clock::now() + 20ms));
  gate.open();
  CHECK(threads.wait(soon()));
  CHECK(is_last_done);
  CHECK_FALSE(is_dropped_done);
}

}  // namespace signalbox::cli
