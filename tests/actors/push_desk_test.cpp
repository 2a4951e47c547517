// Goal: push workers are known by their heartbeats and are given work as any backend is. Method: a
// whole house on the virtual clock; behind the Backend port stand servers that the test plays.
#include "actors/backends/push_desk_actor.hpp"

#include <catch2/catch.hpp>

#include "tests/support/house_fixture.hpp"
#include "tests/support/played_backend.hpp"

namespace signalbox::testing {
namespace {

/// One server, and for which models something was made to speak to it.
struct Server {
  std::shared_ptr<PlayedServer> played = std::make_shared<PlayedServer>();
  std::vector<std::string> models;
};
/// By port.
using Servers = std::map<std::uint16_t, Server>;

class PushFixture {
 public:
  explicit PushFixture(std::size_t workers_max = 16, FixtureOptions options = {})
      : x_house{{}, {}, with_desk(std::move(options), workers_max)} {}

  actors::PushAnswer hear(const std::string& id, std::uint16_t port,
                          PushStatus status = PushStatus::ready, std::uint32_t capacity = 1,
                          const std::string& model = "m", const std::string& owner = "local") {
    actors::HearPushWorker message;
    message.owner = owner;
    message.heartbeat = {id, model, "cpu", "127.0.0.1", port, status, "test", "1", capacity};
    auto answer = ask<actors::PushAnswer>(world(), x_house.house().push_desk, message);
    world().run();
    return answer;
  }
  actors::CallNumber call(bool fail_fast = false, const std::string& target = "m") {
    CallSpec spec;
    spec.target = target;
    spec.fail_fast = fail_fast;
    return x_house.submit(spec);
  }
  std::vector<actors::SessionStatus> workers(const std::string& owner = "local") {
    return ask<actors::WorkerList>(world(), x_house.house().registrar,
                                   actors::ListWorkers{owner, false})
        .workers;
  }
  PlayedServer& server(std::uint16_t port) { return *(*x_servers)[port].played; }
  std::vector<std::string> models_of(std::uint16_t port) { return (*x_servers)[port].models; }
  void answer(std::uint16_t port, std::size_t call, const std::string& body = "done") {
    BackendFinished finished;
    finished.content_type = "application/json";
    finished.body = make_bytes(body);
    server(port).calls.at(call).end(std::move(finished));
    world().run();
  }
  void fail(std::uint16_t port, std::size_t call, ErrorCode code) {
    server(port).calls.at(call).end(BackendFailed{make_error(code, "failed"), true});
    world().run();
  }
  void wait(Duration duration) { world().run_until(world().now() + duration); }
  HouseFixture& house() { return x_house; }
  sim::VirtualSystem& world() { return x_house.world(); }

 private:
  FixtureOptions with_desk(FixtureOptions options, std::size_t workers_max) {
    options.push_desk.workers_max = workers_max;
    options.push_desk.make_backend = [servers = x_servers](const std::string&, std::uint16_t port,
                                                           const std::string& model) {
      (*servers)[port].models.push_back(model);
      return std::make_shared<PlayedBackend>((*servers)[port].played);
    };
    return options;
  }

  std::shared_ptr<Servers> x_servers = std::make_shared<Servers>();
  HouseFixture x_house;
};

}  // namespace

TEST_CASE("push_desk: a worker that was heard of runs calls", "[actors]") {
  PushFixture push;
  REQUIRE(push.hear("w", 9001).error.code == ErrorCode::none);
  const auto call = push.call();
  REQUIRE(push.server(9001).calls.size() == 1);
  CHECK(push.server(9001).calls[0].call.model == "m");
  CHECK(push.models_of(9001) == std::vector<std::string>{""});
  CHECK(push.workers().front().in_flight == 1);
  push.answer(9001, 0, "hello");
  REQUIRE(push.house().told(call).ended);
  CHECK(*push.house().told(call).ended->body == "hello");
  CHECK(push.house().stored(call).claimed_by == "w");
  const auto workers = push.workers();
  REQUIRE(workers.size() == 1);
  CHECK(workers[0].push->id == "w");
  CHECK(workers[0].push->url == "http://127.0.0.1:9001");
  CHECK(workers[0].done == 1);
  CHECK(workers[0].in_flight == 0);
  CHECK(workers[0].state == SessionState::active);
}

TEST_CASE("push_desk: capacity holds, who comes later waits", "[actors]") {
  PushFixture push;
  push.hear("w", 9001, PushStatus::ready, 2);
  push.call();
  push.call();
  const auto third = push.call();
  CHECK(push.server(9001).calls.size() == 2);
  push.answer(9001, 0);
  CHECK(push.server(9001).calls.size() == 3);
  push.answer(9001, 2);
  CHECK(push.house().told(third).ended);
}

TEST_CASE("push_desk: starting, busy and stopped", "[actors]") {
  PushFixture push;
  push.hear("w", 9001, PushStatus::starting);
  CHECK(push.house().told(push.call(true)).code() == ErrorCode::no_backend);
  push.hear("w", 9001, PushStatus::busy);
  const auto waits = push.call(true);
  CHECK_FALSE(push.house().told(waits).is_over());
  CHECK(push.server(9001).calls.empty());
  push.hear("w", 9001, PushStatus::ready);
  CHECK(push.server(9001).calls.size() == 1);
  push.hear("w", 9001, PushStatus::stopped);
  CHECK(push.house().told(push.call(true)).code() == ErrorCode::no_backend);
  // What it runs may come to its end.
  push.answer(9001, 0);
  CHECK(push.house().told(waits).ended);
}

TEST_CASE("push_desk: silence takes it out, a heartbeat brings it back", "[actors]") {
  PushFixture push;
  push.hear("w", 9001);
  push.wait(91s);
  CHECK(push.workers().front().push->status == PushStatus::stale);
  CHECK(push.house().told(push.call(true)).code() == ErrorCode::no_backend);
  const auto waits = push.call();
  CHECK(push.server(9001).calls.empty());
  push.hear("w", 9001);
  CHECK(push.server(9001).calls.size() == 1);
  push.answer(9001, 0);
  CHECK(push.house().told(waits).ended);
}

TEST_CASE("push_desk: one that cannot be reached is passed over", "[actors]") {
  PushFixture push;
  push.hear("a", 9001);
  push.hear("b", 9002);
  const auto call = push.call();
  push.fail(9001, 0, ErrorCode::backend_unreachable);
  REQUIRE(push.server(9002).calls.size() == 1);
  push.answer(9002, 0);
  CHECK(push.house().told(call).ended);
  CHECK(push.house().stored(call).attempts == 2);
  push.call();
  CHECK(push.server(9001).calls.size() == 1);
  CHECK(push.server(9002).calls.size() == 2);
}

TEST_CASE("push_desk: a hang-up reaches the server", "[actors]") {
  PushFixture push;
  push.hear("w", 9001);
  const auto call = push.call();
  push.house().hang_up(call);
  CHECK(push.server(9001).calls[0].is_cancelled);
  CHECK(push.house().stored(call).state == TaskState::cancelled);
  CHECK(push.workers().front().in_flight == 0);
}

TEST_CASE("push_desk: several models, and the one that is meant", "[actors]") {
  PushFixture push;
  push.hear("w", 9001, PushStatus::ready, 1, "m");
  push.hear("w", 9001, PushStatus::ready, 1, "n");
  push.call(false, "n");
  push.call(false, "m");
  REQUIRE(push.server(9001).calls.size() == 1);
  CHECK(push.models_of(9001) == std::vector<std::string>{"n"});
  push.answer(9001, 0);
  CHECK(push.server(9001).calls.size() == 2);
  CHECK(push.models_of(9001) == std::vector<std::string>{"n", "m"});
}

TEST_CASE("push_desk: a worker that comes back on another port is called there", "[actors]") {
  PushFixture push;
  push.hear("w", 9001);
  push.hear("w", 9002);
  push.call();
  CHECK(push.server(9001).calls.empty());
  CHECK(push.server(9002).calls.size() == 1);
  CHECK(push.workers().size() == 1);
}

TEST_CASE("push_desk: invented ids are bounded, who is gone makes room", "[actors]") {
  PushFixture push{4};
  for (std::uint16_t i = 0; i < 4; ++i) {
    REQUIRE(push.hear("w" + std::to_string(i), 9001 + i).error.code == ErrorCode::none);
  }
  CHECK(push.hear("more", 9100).error.code == ErrorCode::invalid_request);
  CHECK(push.workers().size() == 4);
  CHECK(push.hear("w2", 9003, PushStatus::stopped).error.code == ErrorCode::none);
  CHECK(push.hear("more", 9100).error.code == ErrorCode::none);
  const auto workers = push.workers();
  CHECK(workers.size() == 4);
  CHECK(std::none_of(workers.begin(), workers.end(),
                     [](const auto& worker) { return worker.push->id == "w2"; }));
}

TEST_CASE("push_desk: an id belongs to who told of it first", "[actors]") {
  PushFixture push;
  push.hear("w", 9001);
  CHECK(push.hear("w", 9009, PushStatus::ready, 1, "m", "mallory").error.code ==
        ErrorCode::name_conflict);
  CHECK(push.workers("mallory").empty());
  push.call();
  CHECK(push.server(9001).calls.size() == 1);
}

TEST_CASE("push_desk: what has been gone for long is forgotten", "[actors]") {
  FixtureOptions options;
  options.gc.emplace();
  options.gc->interval_s = 10;
  options.session_retention_s = 100;
  PushFixture push{16, options};
  push.hear("gone", 9001, PushStatus::stopped);
  push.wait(90s);
  CHECK(push.workers().size() == 1);
  push.wait(30s);
  CHECK(push.workers().empty());
}

}  // namespace signalbox::testing
