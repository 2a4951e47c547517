// Goal: a call of an agent is the call it should be. Method: real front, scripted broker, no
// socket.
#include <catch2/catch.hpp>

#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

Agent reviewer() {
  Agent agent;
  agent.name = "reviewer";
  agent.llm = "qwen";
  agent.system_prompt = "s";
  agent.priority = Priority::background;
  return agent;
}

/// Makes the call and refuses it. @returns what was submitted.
actors::SubmitTask submitted(FakeHouse& house, Request request, int status = 503) {
  auto caught = std::make_shared<std::promise<actors::SubmitTask>>();
  house.script->submit = [caught](actors::SubmitTask& submit) {
    actors::TaskRefused refused;
    refused.call = submit.call;
    refused.error = make_error(ErrorCode::no_backend, "nobody");
    caf::anon_send(submit.listener, refused);
    caught->set_value(std::move(submit));
  };
  FakeClient client;
  house.handle(std::move(request), client);
  CHECK(client.answer.status == status);
  return caught->get_future().get();
}

}  // namespace

TEST_CASE("agent_surface: a chat goes to the agent's LLM and fails fast", "[http][agent_surface]") {
  FakeHouse house;
  house.script->agent.agent = reviewer();
  const auto submit =
      submitted(house, request_to("POST", "/api/v1/agents/reviewer/chat", R"({"message":"m"})"));
  CHECK(submit.target == "qwen");
  CHECK(submit.is_llm_only);
  CHECK(submit.task.agent == "reviewer");
  CHECK(submit.task.fail_fast);
  CHECK_FALSE(submit.is_async);
  CHECK(submit.task.priority == Priority::background);
  CHECK(*submit.request ==
        R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"m"}]})");
}

TEST_CASE("agent_surface: headers and service_tier go before the agent's class",
          "[http][agent_surface]") {
  FakeHouse house;
  house.script->agent.agent = reviewer();
  house.caller.default_priority = Priority::workflow;
  const std::string path = "/api/v1/agents/reviewer/chat";
  CHECK(submitted(house, request_to("POST", path, R"({"message":"m"})")).task.priority ==
        Priority::background);
  CHECK(submitted(house, request_to("POST", path, R"({"message":"m","service_tier":"priority"})"))
            .task.priority == Priority::interactive);
  Request request = request_to("POST", path, R"({"message":"m","service_tier":"priority"})");
  request.headers.emplace_back("X-Signalbox-Priority", "workflow");
  CHECK(submitted(house, std::move(request)).task.priority == Priority::workflow);
  house.script->agent.agent.priority.reset();
  CHECK(submitted(house, request_to("POST", path, R"({"message":"m"})")).task.priority ==
        Priority::workflow);
}

TEST_CASE("agent_surface: a task may be an agent's, and then waits", "[http][agent_surface]") {
  FakeHouse house;
  house.script->agent.agent = reviewer();
  const std::string path = "/api/v1/inference-tasks";
  const auto submit = submitted(
      house, request_to("POST", path,
                        R"({"agent":"reviewer","request":{"messages":[]},"priority":"workflow"})"));
  CHECK(submit.is_async);
  CHECK_FALSE(submit.task.fail_fast);
  CHECK(submit.task.agent == "reviewer");
  CHECK(submit.task.priority == Priority::workflow);
  CHECK(*submit.request == R"({"messages":[{"role":"system","content":"s"}]})");
  for (const char* body : {R"({"agent":"a","kind":"embedding","request":{"input":"x"}})",
                           R"({"agent":"a","llm":"b","request":{"messages":[]}})",
                           R"({"agent":"a","request":{"prompt":"x"}})"}) {
    FakeClient client;
    house.handle(request_to("POST", path, body), client);
    CHECK(client.answer.status == 400);
  }
}

TEST_CASE("agent_surface: an agent that is not there is not found", "[http][agent_surface]") {
  FakeHouse house;
  house.script->agent.error = make_error(ErrorCode::agent_not_found, "no such agent");
  const auto status = [&](const std::string& method, const std::string& path) {
    FakeClient client;
    house.handle(request_to(method, path, R"({"message":"m"})"), client);
    return client.answer.status;
  };
  CHECK(status("GET", "/api/v1/agents/x") == 404);
  CHECK(status("DELETE", "/api/v1/agents/x") == 404);
  CHECK(status("POST", "/api/v1/agents/x/chat") == 404);
}

TEST_CASE("agent_surface: a definition is answered as it was taken", "[http][agent_surface]") {
  FakeHouse house;
  FakeClient client;
  house.handle(request_to("PUT", "/api/v1/agents/a%2Fb", R"({"pool":"p","defaults":{"x":1}})"),
               client);
  CHECK(client.answer.status == 200);
  CHECK(client.answer.body ==
        R"({"name":"a/b","llm":null,"pool":"p","description":null,"system_prompt":null,)"
        R"("defaults":{"x":1},"priority":null})");
}

}  // namespace signalbox::http
