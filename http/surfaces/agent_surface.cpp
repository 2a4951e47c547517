#include "http/surfaces/agent_surface.hpp"

#include "http/front/render.hpp"
#include "http/surfaces/agent_body.hpp"
#include "http/surfaces/inference_request.hpp"
#include "http/surfaces/inference_surface.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::http {
namespace {

/// @returns the agent, or why there is none.
template <class Question>
Result<Agent> ask_agent(Context& context, Question question) {
  auto answer = ask<actors::AgentAnswer>(context.services, std::move(question));
  if (answer.has_error()) return answer.error();
  if (answer->error.code != ErrorCode::none) return answer->error;
  return std::move(answer->agent);
}

void send_agent(Context& context, const Result<Agent>& agent) {
  if (agent.has_error()) return context.send_error(agent.error());
  JsonWriter json;
  write_agent(json, *agent);
  context.send_json(json.take());
}

}  // namespace

void answer_list_agents(Context& context) {
  const auto list = ask<actors::AgentList>(context.services, actors::ListAgents{});
  if (list.has_error()) return context.send_error(list.error());
  JsonWriter json;
  json.begin_object().key("agents").begin_array();
  for (const Agent& agent : list->agents) write_agent(json, agent);
  json.end_array().end_object();
  context.send_json(json.take());
}

void answer_get_agent(Context& context, const std::string& name) {
  send_agent(context, ask_agent(context, actors::GetAgent{name}));
}

void answer_put_agent(Context& context, const std::string& name) {
  auto agent = read_agent(name, context.request.body);
  if (agent.has_error()) return context.send_error(agent.error());
  send_agent(context, ask_agent(context, actors::PutAgent{std::move(*agent)}));
}

void answer_delete_agent(Context& context, const std::string& name) {
  send_agent(context, ask_agent(context, actors::DeleteAgent{name}));
}

Result<CallOptions> prepare_agent_call(Context& context, const std::string& name,
                                       std::string_view request, actors::SubmitTask& submit) {
  const auto agent = ask_agent(context, actors::GetAgent{name});
  if (agent.has_error()) return agent.error();
  auto body = compose_chat(*agent, request);
  if (body.has_error()) return body.error();
  auto inference = read_inference_request(std::move(*body), TaskKind::chat, ModelMember::optional);
  if (inference.has_error()) return inference.error();
  submit.task.kind = TaskKind::chat;
  submit.task.streaming = inference->streaming;
  submit.task.agent = agent->name;
  submit.task.fail_fast = true;
  submit.target = agent->target();
  submit.is_llm_only = !agent->llm.empty();
  submit.request = make_bytes(std::move(inference->body));
  submit.session = std::move(inference->session);
  submit.size = inference->size;
  // The agent's class stands in for the body's, so that headers go before it and the key's default
  // after it.
  if (!inference->priority.priority) inference->priority.priority = agent->priority;
  return read_call_options(context.request.headers, context.caller, inference->priority,
                           default_priority(TaskKind::chat));
}

void answer_agent_chat(Context& context, const std::string& name) {
  actors::SubmitTask submit;
  const auto options = prepare_agent_call(context, name, context.request.body, submit);
  if (options.has_error()) return context.send_error(options.error());
  apply_options(context, *options, "agents/" + name + "/chat", submit);
  run_call(context, std::move(submit));
}

}  // namespace signalbox::http
