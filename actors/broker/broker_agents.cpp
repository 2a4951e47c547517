// What the broker does for agents: keep them, change them, and remember those made by API.
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/broker/broker_actor.hpp"

namespace signalbox::actors {
namespace {

/// Documents of this kind hold agents made or changed by API.
constexpr const char* agent_documents = "agent";

AgentAnswer no_such_agent(const std::string& agent_name) {
  AgentAnswer answer;
  answer.error =
      make_error(ErrorCode::agent_not_found, "there is no agent named \"" + agent_name + "\"")
          .with("agent", agent_name);
  return answer;
}

}  // namespace

// The configuration wins over what the API once said; the API's own agents live on.
void BrokerState::restore_agents() {
  const auto documents = x_ports.store->documents(agent_documents);
  if (documents.has_value()) {
    for (const auto& [agent_name, text] : *documents) {
      if (auto agent = decode_agent(text)) x_agents[agent_name] = std::move(*agent);
    }
  }
  for (const Agent& agent : x_settings.agents) x_agents[agent.name] = agent;
}

AgentAnswer BrokerState::get_agent(const std::string& agent_name) const {
  const auto place = x_agents.find(agent_name);
  if (place == x_agents.end()) return no_such_agent(agent_name);
  return {{}, place->second};
}

AgentList BrokerState::list_agents() const {
  AgentList list;
  for (const auto& [agent_name, agent] : x_agents) list.agents.push_back(agent);
  return list;
}

caf::result<AgentAnswer> BrokerState::put_agent(const PutAgent& message) {
  AgentAnswer answer{{}, message.agent};
  if (auto error = check(message.agent)) {
    answer.error = std::move(*error);
    return answer;
  }
  if (!x_agents.contains(message.agent.name) && x_agents.size() >= agents_max) {
    answer.error = make_error(ErrorCode::invalid_request, "there are too many agents already");
    return answer;
  }
  x_agents[message.agent.name] = message.agent;
  return store_agent(answer, encode(message.agent));
}

caf::result<AgentAnswer> BrokerState::delete_agent(const std::string& agent_name) {
  const auto place = x_agents.find(agent_name);
  if (place == x_agents.end()) return no_such_agent(agent_name);
  const AgentAnswer answer{{}, place->second};
  x_agents.erase(place);
  return store_agent(answer, "");
}

// In force at once; answered when it will survive a restart, too.
caf::result<AgentAnswer> BrokerState::store_agent(const AgentAnswer& answer, std::string document) {
  auto promise = x_self->make_response_promise<AgentAnswer>();
  store_document(PutDocument{agent_documents, answer.agent.name, std::move(document)},
                 [promise, answer = answer](const StoreResult& result) mutable {
                   if (result.outcome == StoreResult::Outcome::failed) answer.error = result.error;
                   promise.deliver(std::move(answer));
                 });
  return promise;
}

}  // namespace signalbox::actors
