// Goal: an agent is taken only as the contract allows it, and survives being stored. Method: the
// edges of each rule.
#include <catch2/catch.hpp>

#include "core/backends/agent.hpp"
#include "core/base/field_text.hpp"

namespace signalbox {
namespace {

Agent scout() {
  Agent agent;
  agent.name = "scout";
  agent.pool = "chat";
  return agent;
}

std::string param_of(const Agent& agent) {
  const auto error = check(agent);
  return error ? error->param : "";
}

}  // namespace

TEST_CASE("agent: it has an llm or a pool, not both", "[core][agent]") {
  Agent agent = scout();
  CHECK_FALSE(check(agent));
  CHECK(agent.target() == "chat");
  agent.llm = "alice";
  CHECK(param_of(agent) == "pool");
  agent.pool.clear();
  CHECK_FALSE(check(agent));
  CHECK(agent.target() == "alice");
  agent.llm.clear();
  CHECK(param_of(agent) == "llm");
}

TEST_CASE("agent: each field has its bounds", "[core][agent]") {
  Agent agent = scout();
  SECTION("name") {
    agent.name = GENERATE(std::string{}, std::string{"two words"}, std::string(129, 'a'));
    CHECK(param_of(agent) == "name");
    agent.name = std::string(128, 'a');
    CHECK_FALSE(check(agent));
  }
  SECTION("target") {
    agent.pool = "no pool";
    CHECK(param_of(agent) == "pool");
    agent.pool.clear();
    agent.llm = "no llm";
    CHECK(param_of(agent) == "llm");
  }
  SECTION("description") {
    agent.description = std::string(agent_description_max, 'd');
    CHECK_FALSE(check(agent));
    agent.description += 'd';
    CHECK(param_of(agent) == "description");
  }
  SECTION("system_prompt") {
    agent.system_prompt = std::string(agent_text_max, 's');
    CHECK_FALSE(check(agent));
    agent.system_prompt += 's';
    CHECK(param_of(agent) == "system_prompt");
  }
  SECTION("defaults") {
    agent.defaults = std::string(agent_text_max, 'x');
    CHECK_FALSE(check(agent));
    agent.defaults += 'x';
    CHECK(param_of(agent) == "defaults");
  }
}

TEST_CASE("agent: it survives being stored", "[core][agent]") {
  Agent agent = scout();
  CHECK(decode_agent(encode(agent)) == agent);
  agent.description = "looks ahead";
  agent.system_prompt = std::string{"line\nwith = and : and \0 in it", 29};
  agent.defaults = R"({"temperature":0.2})";
  for (const Priority priority : all_priorities) {
    agent.priority = priority;
    CHECK(decode_agent(encode(agent)) == agent);
  }
  std::swap(agent.llm, agent.pool);
  CHECK(decode_agent(encode(agent)) == agent);
}

TEST_CASE("agent: what is no agent is not read", "[core][agent]") {
  CHECK_FALSE(decode_agent(""));
  CHECK_FALSE(decode_agent("scout"));
  CHECK_FALSE(decode_agent(encode_fields({{"name", "scout"}})));
  CHECK_FALSE(decode_agent(encode_fields({{"name", "scout"}, {"llm", "a"}, {"pool", "b"}})));
  // A field of a later version is passed over.
  CHECK(decode_agent(encode_fields({{"name", "scout"}, {"llm", "a"}, {"later", "x"}})));
}

}  // namespace signalbox
