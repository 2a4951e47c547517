// Goal: an agent's definition is read whole or refused by name, and its words go to the backend
// before the caller's. Method: pure, literal text.
#include "http/surfaces/agent_body.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

Agent reviewer() {
  Agent agent;
  agent.name = "reviewer";
  agent.pool = "chat";
  agent.system_prompt = "You \"review\".";
  agent.defaults = R"({"temperature":0.20,"max_tokens":64})";
  return agent;
}

template <class Value>
std::string param_of(const Result<Value>& value) {
  REQUIRE(value.has_error());
  return value.error().param;
}

}  // namespace

TEST_CASE("agent_body: a definition is read", "[http][agent_body]") {
  const auto read = read_agent("reviewer", R"({"name":"reviewer","pool":"chat","llm":null,
    "description":"d","system_prompt":"s","defaults":{"temperature": 0.2},"priority":"Workflow"})");
  REQUIRE(read.has_value());
  CHECK(read->name == "reviewer");
  CHECK(read->target() == "chat");
  CHECK(read->description == "d");
  CHECK(read->system_prompt == "s");
  CHECK(read->defaults == R"({"temperature": 0.2})");
  CHECK(read->priority == Priority::workflow);
  CHECK(read_agent("a", R"({"llm":"x"})")->defaults == "{}");
}

TEST_CASE("agent_body: what cannot be a definition is named", "[http][agent_body]") {
  const auto param = [](std::string_view body) { return param_of(read_agent("a", body)); };
  CHECK(param(R"({"llm":"x","name":"b"})") == "name");
  CHECK(param(R"({"llm":"x","tools":[]})") == "tools");
  CHECK(param(R"({"llm":"x","pool":"y"})") == "pool");
  CHECK(param("{}") == "llm");
  CHECK(param(R"({"llm":7})") == "llm");
  CHECK(param(R"({"llm":"x","defaults":[]})") == "defaults");
  CHECK(param(R"({"llm":"x","defaults":{"a":1,"a":2}})") == "defaults");
  CHECK(param(R"({"llm":"x","priority":"urgent"})") == "priority");
  CHECK(read_agent("a", R"({"llm":"x","priority":"urgent"})").error().code ==
        ErrorCode::invalid_priority);
  CHECK(read_agent("a", "[]").error().code == ErrorCode::invalid_json);
}

TEST_CASE("agent_body: one message becomes a chat", "[http][agent_body]") {
  const auto body = compose_chat(reviewer(), R"({"message":"a\nb","stream":true})");
  REQUIRE(body.has_value());
  CHECK(*body == R"({"stream":true,"messages":[{"role":"system","content":"You \"review\"."},)"
                 R"({"role":"user","content":"a\nb"}],"temperature":0.20,"max_tokens":64})");
}

TEST_CASE("agent_body: the caller's messages and members stay as they are", "[http][agent_body]") {
  const auto body = compose_chat(
      reviewer(),
      R"({"messages":[{"role":"system","content":"x"}, {"role":"user"}], "temperature":1e0})");
  REQUIRE(body.has_value());
  CHECK(*body ==
        R"({"messages":[{"role":"system","content":"You \"review\"."},{"role":"system","content":)"
        R"("x"},{"role":"user"}], "temperature":1e0,"max_tokens":64})");
}

TEST_CASE("agent_body: an agent without words adds none", "[http][agent_body]") {
  Agent agent;
  agent.llm = "x";
  const std::string empty = R"({"messages":[]})";
  CHECK(compose_chat(agent, empty).value() == empty);
  agent.defaults = R"({"messages":[1],"message":"m"})";
  const std::string one = R"({"messages":[{"role":"user","content":"a"}]})";
  CHECK(compose_chat(agent, R"({"message":"a"})").value() == one);
}

TEST_CASE("agent_body: a chat needs one kind of message", "[http][agent_body]") {
  const auto param = [](std::string_view body) { return param_of(compose_chat(reviewer(), body)); };
  CHECK(param("{}") == "messages");
  CHECK(param(R"({"message":"a","messages":[]})") == "message");
  CHECK(param(R"({"message":{}})") == "message");
  CHECK(param(R"({"messages":"a"})") == "messages");
}

}  // namespace signalbox::http
