// The rows that the API shows, as JSON (docs/protocol.md has the shapes).
#pragma once

#include <optional>
#include <string>

#include "actors/messages/messages.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::http {

struct TaskBodies {
  Bytes request;
  Bytes response;
};

/// @param bodies left out of the row when not given. @param position only of one that waits.
void write_task(JsonWriter& json, const Task& task, const std::optional<TaskBodies>& bodies,
                const std::optional<actors::Position>& position);
void write_profile(JsonWriter& json, const actors::ProfileStatus& profile);
void write_llm(JsonWriter& json, const Llm& llm);
/// As its worker's session knows it, which is not how the directory's breaker stands.
void write_offered_llm(JsonWriter& json, const Llm& llm);
void write_pool(JsonWriter& json, const PoolView& pool);
void write_agent(JsonWriter& json, const Agent& agent);
void write_worker(JsonWriter& json, const actors::SessionStatus& worker);
void write_call(JsonWriter& json, const CallRow& row);

/// @returns `{"object":"list","data":[...]}`: every LLM, then every pool and model id that is no
/// LLM's name.
std::string models_list(const RoutingTable& table);
/// @returns the model object, or nothing when `id` names nothing that a call could.
std::optional<std::string> model_object(const RoutingTable& table, const std::string& id);

}  // namespace signalbox::http
