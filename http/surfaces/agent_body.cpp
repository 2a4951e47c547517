#include "http/surfaces/agent_body.hpp"

#include <vector>

#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

std::optional<Error> read_field(const Member& member, Agent& agent) {
  const std::string& name = member.name;
  if (member.value == "null") return std::nullopt;
  if (name == "defaults") {
    if (!member.value.starts_with('{')) return invalid_request("defaults must be an object", name);
    agent.defaults = member.value;
    return std::nullopt;
  }
  auto text = unquote(member.value);
  if (!text) return invalid_request(name + " must be a string", name);
  if (name == "name") {
    if (*text == agent.name) return std::nullopt;
    return invalid_request("name is another than the path's", name);
  }
  if (name == "priority") {
    agent.priority = parse_priority(*text);
    if (agent.priority) return std::nullopt;
    return make_error(ErrorCode::invalid_priority,
                      "priority must be interactive, workflow or background")
        .at_param(name);
  }
  std::string& field = name == "llm"           ? agent.llm
                       : name == "pool"        ? agent.pool
                       : name == "description" ? agent.description
                                               : agent.system_prompt;
  field = std::move(*text);
  return std::nullopt;
}

bool is_known(std::string_view name) {
  return name == "name" || name == "llm" || name == "pool" || name == "description" ||
         name == "system_prompt" || name == "defaults" || name == "priority";
}

/// @returns the elements of the array that goes to the backend, as text.
Result<std::string> read_messages(const std::vector<Member>& members) {
  const Member* message = find_given(members, "message");
  const Member* messages = find_given(members, "messages");
  if (message != nullptr && messages != nullptr) {
    return invalid_request("give either message or messages", "message");
  }
  if (message != nullptr) {
    if (!message->value.starts_with('"')) {
      return invalid_request("message must be a string", "message");
    }
    return R"({"role":"user","content":)" + std::string{message->value} + "}";
  }
  if (messages == nullptr || !messages->value.starts_with('[')) {
    return invalid_request("messages must be an array (or give message, a string)", "messages");
  }
  std::string text;
  for (const std::string_view each : elements_of(messages->value)) {
    if (!text.empty()) text += ',';
    text += each;
  }
  return text;
}

}  // namespace

Result<Agent> read_agent(const std::string& name, std::string_view body) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  Agent agent;
  agent.name = name;
  for (const Member& member : *members) {
    if (!is_known(member.name)) {
      return invalid_request("an agent has no \"" + member.name +
                                 "\"; it has llm or pool, description, system_prompt, defaults "
                                 "and priority",
                             member.name);
    }
    if (auto error = read_field(member, agent)) return *error;
  }
  if (auto defaults = scan_object(agent.defaults); defaults.has_error()) {
    return invalid_request("defaults: " + defaults.error().message, "defaults");
  }
  if (auto error = check(agent)) return *error;
  return agent;
}

Result<std::string> compose_chat(const Agent& agent, std::string_view body) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  auto given = read_messages(*members);
  if (given.has_error()) return given.error();
  std::string messages = "[";
  if (!agent.system_prompt.empty()) {
    messages += R"({"role":"system","content":)" + json_quote(agent.system_prompt) + "}";
    if (!given->empty()) messages += ',';
  }
  messages += *given + ']';
  std::vector<Edit> edits{{"messages", std::move(messages)}, {"message", std::nullopt}};
  for (const Member& member : members_of(agent.defaults)) {
    // An edit would replace what the caller gave.
    if (find_member(*members, member.name) != nullptr || member.name == "messages" ||
        member.name == "message") {
      continue;
    }
    edits.push_back({member.name, std::string{member.value}});
  }
  return splice(body, *members, edits);
}

}  // namespace signalbox::http
