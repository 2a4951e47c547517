#include "http/front/render.hpp"

#include <set>
#include <string_view>

namespace signalbox::http {
namespace {

void write_model(JsonWriter& json, const std::string& id, std::string_view owner) {
  json.begin_object().key("id").string(id).key("object").string("model");
  json.key("created").number(std::int64_t{0}).key("owned_by").string(owner).end_object();
}

void write_error(JsonWriter& json, const Task& task) {
  json.key("error");
  if (task.error_code == ErrorCode::none) {
    json.null();
    return;
  }
  json.begin_object().key("code").string(to_string(task.error_code));
  json.key("message").string(task.error_message).end_object();
}

// A body that is no JSON (a backend may answer anything) is shown as a string.
void write_body(JsonWriter& json, std::string_view name, const Bytes& body, bool is_json) {
  json.key(name);
  if (!body)
    json.null();
  else if (is_json)
    json.raw(*body);
  else
    json.string(*body);
}

bool is_json_type(const std::string& type) {
  return type.empty() || type.find("json") != std::string::npos ||
         type.starts_with("text/event-stream");
}

void write_attempt_log(JsonWriter& json, const std::vector<Attempt>& log) {
  json.begin_array();
  for (const Attempt& attempt : log) {
    json.begin_object();
    json.key("attempt").number(std::int64_t{attempt.number});
    json.key("backend").string_or_null(attempt.backend);
    json.key("claimed_by").string_or_null(attempt.claimed_by);
    json.key("claimed_at").time(attempt.claimed_at);
    json.key("ended_at").time(attempt.ended_at);
    json.key("outcome").string(to_string(attempt.outcome));
    json.key("error_code");
    attempt.error_code == ErrorCode::none ? json.null()
                                          : json.string(to_string(attempt.error_code));
    json.end_object();
  }
  json.end_array();
}

void write_llm_fields(JsonWriter& json, const Llm& llm) {
  json.key("name").string(llm.name);
  json.key("kind").string(to_string(llm.kind));
  json.key("type").string(llm.type);
  json.key("model").string(llm.model);
  json.key("models").begin_array().string(llm.model).end_array();
  json.key("tier").string_or_null(llm.tier);
  json.key("pool").string_or_null(llm.pool);
  json.key("status").string(to_string(llm.status));
  json.key("capacity").number(std::int64_t{llm.capacity});
  json.key("running").number(std::int64_t{llm.running});
  json.key("session").string_or_null(llm.session);
  json.key("url").string_or_null(llm.url);
  json.key("last_heartbeat_at").time(llm.last_heartbeat_at);
  json.key("inactive_since").time(llm.inactive_since);
}

}  // namespace

void write_task(JsonWriter& json, const Task& task, const std::optional<TaskBodies>& bodies,
                const std::optional<actors::Position>& position) {
  json.begin_object();
  json.key("id").string(task.id.to_string());
  json.key("status").string(to_string(task.state));
  json.key("pool").string_or_null(task.pool);
  json.key("llm").string_or_null(task.llm);
  json.key("model").string_or_null(task.model);
  json.key("tier").string_or_null(task.tier);
  json.key("profile").string_or_null(task.profile);
  json.key("priority").string(to_string(task.priority));
  json.key("kind").string(to_string(task.kind));
  json.key("streaming").boolean(task.streaming);
  json.key("claimed_by").string_or_null(task.claimed_by);
  json.key("attempts").number(std::int64_t{task.attempts});
  json.key("owner").string_or_null(task.owner);
  json.key("agent").string_or_null(task.agent);
  if (bodies) {
    write_body(json, "request_body", bodies->request, true);
    write_body(json, "response_body", bodies->response, is_json_type(task.response_type));
  }
  write_error(json, task);
  json.key("metadata").raw(task.metadata);
  json.key("queue_position");
  position ? json.number(static_cast<std::int64_t>(position->position)) : json.null();
  json.key("estimated_wait_s");
  position ? json.number(position->estimated_wait_s) : json.null();
  json.key("created_at").time(task.created_at);
  json.key("claimed_at").time(task.claimed_at);
  json.key("stream_started_at").time(task.stream_started_at);
  json.key("completed_at").time(task.completed_at);
  json.key("backend").string_or_null(task.backend);
  json.key("attempt_log");
  write_attempt_log(json, task.attempt_log);
  json.end_object();
}

namespace {

void write_policy(JsonWriter& json, const ProfileSettings& settings) {
  const PolicyOptions& options = settings.policy_options;
  json.key("policy").string(settings.policy);
  json.key("reserve_interactive").number(std::int64_t{options.reserve_interactive});
  json.key("background_trickle").number(std::int64_t{options.background_trickle});
  json.key("aging").begin_object();
  for (const Priority priority : all_priorities) {
    json.key(to_string(priority)).number(std::int64_t{options.aging_weights[to_index(priority)]});
  }
  json.end_object();
  json.key("fair").begin_object().key("weights").begin_object();
  for (const auto& [owner, weight] : options.fair_weights) {
    json.key(owner).number(std::int64_t{weight});
  }
  json.end_object().end_object();
  json.key("sjf").begin_object().key("max_bypass_s").number(options.sjf_max_bypass_s).end_object();
  json.key("swap").begin_object();
  json.key("max_bypass_s").number(options.swap_max_bypass_s);
  json.key("hold_s").number(options.swap_hold_s);
  json.key("min_batch").number(std::int64_t{options.swap_min_batch}).end_object();
}

void write_tuning(JsonWriter& json, const std::optional<SlotBounds>& bounds) {
  json.key("tune_slots");
  if (!bounds) {
    json.null();
    return;
  }
  json.begin_object();
  json.key("min").number(std::int64_t{bounds->min});
  json.key("max").number(std::int64_t{bounds->max});
  json.end_object();
}

}  // namespace

void write_profile(JsonWriter& json, const actors::ProfileStatus& profile) {
  const auto& settings = profile.settings;
  const auto& occupancy = profile.occupancy;
  json.begin_object();
  json.key("name").string(profile.name);
  json.key("max_concurrent").number(std::int64_t{occupancy.slots});
  json.key("max_queued").number(std::int64_t{settings.max_queued});
  json.key("default_queue_wait_s").number(settings.default_queue_wait_s);
  json.key("default_inference_s").number(settings.default_inference_s);
  write_policy(json, settings);
  json.key("preempt").string(to_string(settings.preempt));
  json.key("preempt_budget").number(std::int64_t{settings.preempt_budget});
  write_tuning(json, settings.tune_slots);
  json.key("in_flight").number(std::int64_t{occupancy.in_flight});
  json.key("waiting").begin_object();
  for (const Priority priority : all_priorities) {
    json.key(to_string(priority))
        .number(static_cast<std::int64_t>(occupancy.waiting[to_index(priority)]));
  }
  json.end_object();
  json.key("admitted_total").number(static_cast<std::int64_t>(occupancy.admitted_total));
  json.key("rejected_total").number(static_cast<std::int64_t>(occupancy.rejected_total));
  json.key("preempted_total").number(static_cast<std::int64_t>(occupancy.preempted_total));
  json.key("estimated_wait_s").number(profile.estimated_wait_s);
  json.key("auto_registered").boolean(profile.is_auto_registered);
  json.end_object();
}

void write_llm(JsonWriter& json, const Llm& llm) {
  json.begin_object();
  write_llm_fields(json, llm);
  json.key("breaker").string(to_string(llm.breaker));
  json.key("failures").number(std::int64_t{llm.failures});
  json.end_object();
}

void write_offered_llm(JsonWriter& json, const Llm& llm) {
  json.begin_object();
  write_llm_fields(json, llm);
  json.end_object();
}

void write_pool(JsonWriter& json, const PoolView& pool) {
  json.begin_object();
  json.key("name").string(pool.name);
  json.key("choice").string(to_string(pool.choice));
  json.key("llms").begin_array();
  for (const std::string& llm : pool.llms) json.string(llm);
  json.end_array();
  json.key("sessions").number(static_cast<std::int64_t>(pool.sessions));
  json.end_object();
}

void write_agent(JsonWriter& json, const Agent& agent) {
  json.begin_object();
  json.key("name").string(agent.name);
  json.key("llm").string_or_null(agent.llm);
  json.key("pool").string_or_null(agent.pool);
  json.key("description").string_or_null(agent.description);
  json.key("system_prompt").string_or_null(agent.system_prompt);
  json.key("defaults").raw(agent.defaults);
  json.key("priority").string_or_null(agent.priority ? to_string(*agent.priority) : "");
  json.end_object();
}

void write_count(JsonWriter& json, std::optional<std::uint32_t> count) {
  if (count) {
    json.number(std::int64_t{*count});
  } else {
    json.null();
  }
}

namespace {

void write_push_facts(JsonWriter& json, const actors::PushFacts& push) {
  json.key("id").string(push.id);
  json.key("models").begin_array();
  for (const std::string& model : push.models) json.string(model);
  json.end_array();
  json.key("status").string(to_string(push.status));
  json.key("device").string(push.device);
  json.key("implementation").string(push.implementation);
  json.key("version").string(push.version);
  json.key("url").string(push.url);
}

}  // namespace

void write_worker(JsonWriter& json, const actors::SessionStatus& worker) {
  json.begin_object();
  const auto& push = worker.push;
  json.key("session").string(push ? push->id : worker.session.to_string());
  json.key("llms").begin_array();
  for (const Llm& llm : worker.llms) write_offered_llm(json, llm);
  json.end_array();
  json.key("bound").boolean(worker.is_bound);
  json.key("address").string_or_null(worker.address);
  json.key("connected_at").time(worker.connected_at);
  json.key("last_heartbeat_at").time(worker.last_heartbeat_at);
  json.key("capacity").number(std::int64_t{worker.capacity});
  json.key("in_flight").number(std::int64_t{worker.in_flight});
  json.key("done").number(static_cast<std::int64_t>(worker.done));
  json.key("failed").number(static_cast<std::int64_t>(worker.failed));
  json.key("state").string(to_string(worker.state));
  json.key("kind").string(push ? "push" : "bound");
  if (push) write_push_facts(json, *push);
  json.end_object();
}

void write_call(JsonWriter& json, const CallRow& row) {
  json.begin_object();
  json.key("id").string(format_id(row.id));
  json.key("profile").string(row.profile);
  json.key("priority").string(to_string(row.priority));
  json.key("kind").string(to_string(row.kind));
  json.key("model").string_or_null(row.model);
  json.key("pool").string_or_null(row.pool);
  json.key("backend").string_or_null(row.backend);
  json.key("owner").string_or_null(row.owner);
  json.key("description").string_or_null(row.description);
  json.key("request_id").string_or_null(row.request_id);
  json.key("streaming").boolean(row.streaming);
  json.key("attempts").number(std::int64_t{row.attempts});
  json.key("preemptions").number(std::int64_t{row.preemptions});
  json.key("status").string(to_string(row.status));
  json.key("error_kind").string_or_null(row.error_kind);
  json.key("error_detail").string_or_null(row.error_detail);
  json.key("queued_at").time(row.queued_at);
  json.key("admitted_at").time(row.admitted_at);
  json.key("started_http_at").time(row.started_http_at);
  json.key("first_token_at").time(row.first_token_at);
  json.key("finished_at").time(row.finished_at);
  json.key("queue_wait_ms").number_or_null(row.queue_wait_ms);
  json.key("service_time_ms").number_or_null(row.service_time_ms);
  json.key("total_latency_ms").number_or_null(row.total_latency_ms);
  write_count(json.key("tokens_in"), row.tokens.in);
  write_count(json.key("tokens_out"), row.tokens.out);
  json.end_object();
}

std::string models_list(const RoutingTable& table) {
  JsonWriter json;
  json.begin_object().key("object").string("list").key("data").begin_array();
  std::set<std::string_view> shown;
  for (const Llm& llm : table.llms) {
    if (shown.insert(llm.name).second) write_model(json, llm.name, to_string(llm.kind));
  }
  for (const Llm& llm : table.llms) {
    if (!llm.pool.empty() && shown.insert(llm.pool).second) write_model(json, llm.pool, "pool");
    if (shown.insert(llm.model).second) write_model(json, llm.model, to_string(llm.kind));
  }
  json.end_array().end_object();
  return json.take();
}

std::optional<std::string> model_object(const RoutingTable& table, const std::string& id) {
  const auto route = resolve(table, id);
  if (route.has_error()) return std::nullopt;
  const Llm* llm = table.find(id);
  JsonWriter json;
  write_model(json, id, llm != nullptr ? to_string(llm->kind) : "pool");
  return json.take();
}

}  // namespace signalbox::http
