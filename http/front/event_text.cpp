#include "http/front/event_text.hpp"

#include <cmath>

#include "http/front/render.hpp"
#include "http/text/json_writer.hpp"
#include "http/text/sse_event.hpp"

namespace signalbox::http {

std::string call_events(const std::map<IdBytes, std::shared_ptr<const CallRow>>& rows) {
  std::string text;
  for (const auto& [id, row] : rows) {
    JsonWriter json;
    write_call(json, *row);
    text += sse_event("call", "", json.take());
  }
  return text;
}

std::string state_event(const HouseState& state, const EventScope& scope) {
  JsonWriter json;
  json.begin_object().key("profiles").begin_array();
  if (scope.profiles) {
    for (const auto& profile : state.profiles) write_profile(json, profile);
  }
  json.end_array().key("llms").begin_array();
  if (scope.llms && state.table) {
    for (const Llm& llm : state.table->llms) write_llm(json, llm);
  }
  json.end_array().key("workers").begin_array();
  for (const auto& worker : state.workers) {
    if (scope.all_workers || worker.owner == scope.owner) write_worker(json, worker);
  }
  json.end_array().key("tasks").begin_object();
  for (std::size_t index = 0; index < state.tasks.size(); ++index) {
    json.key(to_string(static_cast<TaskState>(index)));
    json.number(static_cast<std::int64_t>(state.tasks[index]));
  }
  json.end_object();
  json.key("uptime_s").number(std::floor(state.uptime_s));
  json.key("version").string(state.version).end_object();
  return sse_event("state", "", on_one_line(json.take()));
}

}  // namespace signalbox::http
