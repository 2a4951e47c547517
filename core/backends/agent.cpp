#include "core/backends/agent.hpp"

#include "core/backends/llm.hpp"
#include "core/base/field_text.hpp"

namespace signalbox {

std::optional<Error> check(const Agent& agent) {
  if (!is_valid_name(agent.name)) {
    return invalid_request("an agent's name is 1-128 of [A-Za-z0-9._:/@+-]", "name");
  }
  if (agent.llm.empty() == agent.pool.empty()) {
    return invalid_request("an agent has either an llm or a pool",
                           agent.llm.empty() ? "llm" : "pool");
  }
  if (!is_valid_name(agent.target())) {
    return invalid_request("a name is 1-128 of [A-Za-z0-9._:/@+-]",
                           agent.llm.empty() ? "pool" : "llm");
  }
  if (agent.description.size() > agent_description_max) {
    return invalid_request("description is longer than 1000 bytes", "description");
  }
  if (agent.system_prompt.size() > agent_text_max) {
    return invalid_request("system_prompt is longer than 256 KiB", "system_prompt");
  }
  if (agent.defaults.size() > agent_text_max) {
    return invalid_request("defaults is longer than 256 KiB", "defaults");
  }
  return std::nullopt;
}

std::string encode(const Agent& agent) {
  Fields fields{{"name", agent.name},
                {"llm", agent.llm},
                {"pool", agent.pool},
                {"description", agent.description},
                {"system_prompt", agent.system_prompt},
                {"defaults", agent.defaults}};
  if (agent.priority) fields.emplace_back("priority", to_string(*agent.priority));
  return encode_fields(fields);
}

std::optional<Agent> decode_agent(std::string_view text) {
  const auto fields = decode_fields(text);
  if (!fields) return std::nullopt;
  Agent agent;
  for (const auto& [name, value] : *fields) {
    if (name == "name") agent.name = value;
    if (name == "llm") agent.llm = value;
    if (name == "pool") agent.pool = value;
    if (name == "description") agent.description = value;
    if (name == "system_prompt") agent.system_prompt = value;
    if (name == "defaults") agent.defaults = value;
    if (name == "priority") agent.priority = parse_priority(value);
  }
  if (check(agent)) return std::nullopt;
  return agent;
}

}  // namespace signalbox
