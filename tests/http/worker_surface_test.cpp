// Goal: a worker is told what its session says and its connection ends as it should. Method: real
// front, scripted actors, no socket.
#include <catch2/catch.hpp>

#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

using Frame = actors::WorkerFrame;
const std::string session = "01890000-0000-7000-8000-00000000000a";
const std::string session_path = "/api/v1/workers/" + session;
const std::string task = "01890000-0000-7000-8000-00000000000b";

}  // namespace

TEST_CASE("worker_surface: a bound worker gets frames until its channel closes",
          "[http][worker_surface]") {
  FakeHouse house;
  house.script->bind = [](actors::BindWorker& bind) {
    CHECK(bind.key.owner == "alice");
    CHECK(bind.key.session.to_string() == session);
    caf::anon_send(bind.handle, actors::ChannelOpened{bind.channel});
    caf::anon_send(bind.handle, Frame{bind.channel, Frame::Drain{}});
    caf::anon_send(bind.handle, actors::ChannelClosed{bind.channel, {}});
  };
  FakeClient client;
  house.handle(request_to("GET", session_path + "/stream"), client);
  CHECK(client.is_stream);
  CHECK(client.answer.content_type == "text/event-stream");
  CHECK(client.text == "event: drain\ndata: {}\n\n");
  CHECK(client.has_ended);
}

TEST_CASE("worker_surface: a refused channel is a plain error", "[http][worker_surface]") {
  FakeHouse house;
  house.script->bind = [](actors::BindWorker& bind) {
    caf::anon_send(
        bind.handle,
        actors::ChannelClosed{bind.channel, make_error(ErrorCode::session_not_found, "unknown")});
  };
  FakeClient client;
  house.handle(request_to("GET", session_path + "/stream"), client);
  CHECK_FALSE(client.is_stream);
  CHECK(client.answer.status == 404);
}

TEST_CASE("worker_surface: a worker that is gone is unbound", "[http][worker_surface]") {
  FakeHouse house;
  actors::CallNumber channel = 0;
  house.script->bind = [&](actors::BindWorker& bind) {
    channel = bind.channel;
    caf::anon_send(bind.handle, actors::ChannelOpened{bind.channel});
    caf::anon_send(bind.handle, Frame{bind.channel, Frame::Drain{}});
  };
  FakeClient client;
  client.leaves_after = 1;
  auto unbound = house.script->unbound.get_future();
  house.handle(request_to("GET", session_path + "/stream"), client);
  REQUIRE(unbound.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
  const auto message = unbound.get();
  CHECK(message.session.to_string() == session);
  CHECK(message.channel == channel);
  CHECK_FALSE(client.has_ended);
}

TEST_CASE("worker_surface: a registration is answered with the session", "[http][worker_surface]") {
  FakeHouse house;
  house.script->enrol = [](actors::RegisterWorker& message) {
    CHECK(message.address == "127.0.0.1");
    CHECK(message.key.session.is_nil());
    actors::SessionAnswer answer;
    answer.status.session = *SessionId::parse(session);
    answer.status.llms.emplace_back().name = message.llms.at(0).name;
    return answer;
  };
  FakeClient client;
  house.handle(request_to("POST", "/api/v1/workers", R"({"llms":[{"name":"a","model":"m"}]})"),
               client);
  CHECK(client.answer.status == 201);
  CHECK(
      client.answer.body.starts_with("{\"session\":\"" + session + "\",\"llms\":[{\"name\":\"a\""));
}

TEST_CASE("worker_surface: a conflict is told as the registrar words it",
          "[http][worker_surface]") {
  FakeHouse house;
  house.script->enrol = [](actors::RegisterWorker&) {
    actors::SessionAnswer answer;
    answer.error = make_error(ErrorCode::name_conflict, "taken").with("llm", "a");
    return answer;
  };
  FakeClient client;
  house.handle(request_to("POST", "/api/v1/workers", R"({"llms":[{"name":"a","model":"m"}]})"),
               client);
  CHECK(client.answer.status == 409);
  CHECK(client.answer.body.find(R"("llm":"a")") != std::string::npos);
}

TEST_CASE("worker_surface: results are passed on and repeats said to be",
          "[http][worker_surface]") {
  FakeHouse house;
  house.script->result = [](actors::WorkerResult& message) {
    CHECK(message.task.to_string() == task);
    CHECK(std::holds_alternative<actors::WorkerResult::StreamDone>(message.outcome));
    return actors::WorkerReply{{}, true};
  };
  FakeClient client;
  house.handle(request_to("POST", session_path + "/tasks/" + task + "/result", R"({"done":true})"),
               client);
  CHECK(client.answer.status == 200);
  CHECK(client.answer.body == R"({"duplicate":true})");
}

TEST_CASE("worker_surface: ids that are none are not found", "[http][worker_surface]") {
  FakeHouse house;
  const auto status = [&](const std::string& path, const std::string& body) {
    FakeClient client;
    house.handle(request_to("POST", path, body), client);
    return client.answer.status;
  };
  CHECK(status("/api/v1/workers/me/heartbeat", "{}") == 404);
  CHECK(status("/api/v1/workers/00000000-0000-0000-0000-000000000000/drain", "") == 404);
  CHECK(status(session_path + "/tasks/mine/chunk", R"({"data":"a"})") == 409);
  CHECK(status(session_path + "/heartbeat", "") == 200);
}

TEST_CASE("worker_surface: workers need a grant", "[http][worker_surface]") {
  FakeHouse house;
  const auto status = [&](const std::vector<std::string>& grants) {
    house.caller = Caller{};
    house.caller.grants = grants;
    FakeClient client;
    house.handle(request_to("POST", session_path + "/drain"), client);
    return client.answer.status;
  };
  CHECK(status({}) == 403);
  CHECK(status({"workers:create"}) == 200);
  CHECK(status({"workers:edit"}) == 200);
  CHECK(status({"workers:view"}) == 403);
}

}  // namespace signalbox::http
