#include "http/dispatch.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "http/surfaces/admin_surface.hpp"
#include "http/surfaces/agent_surface.hpp"
#include "http/surfaces/call_surface.hpp"
#include "http/surfaces/dashboard_surface.hpp"
#include "http/surfaces/inference_surface.hpp"
#include "http/surfaces/job_surface.hpp"
#include "http/surfaces/login_surface.hpp"
#include "http/surfaces/operations_surface.hpp"
#include "http/surfaces/pool_surface.hpp"
#include "http/surfaces/push_surface.hpp"
#include "http/surfaces/slot_surface.hpp"
#include "http/surfaces/task_stream.hpp"
#include "http/surfaces/task_surface.hpp"
#include "http/surfaces/worker_surface.hpp"

namespace signalbox::http {
namespace {

enum class Body : std::uint8_t {
  none,
  json,
  /// JSON where there is one.
  maybe_json,
};

struct ActionEntry {
  Action action;
  /// Needed beside a valid key; empty = none.
  std::string_view grant;
  Body body;
  void (*answer)(Context&, const RouteMatch&);
};

template <void (*Surface)(Context&)>
void plain(Context& context, const RouteMatch&) {
  Surface(context);
}
template <void (*Surface)(Context&, const std::string&)>
void with_name(Context& context, const RouteMatch& route) {
  Surface(context, route.name);
}
template <void (*Surface)(Context&, const std::string&, const std::string&)>
void with_task(Context& context, const RouteMatch& route) {
  Surface(context, route.name, route.task);
}
template <TaskKind Kind>
void inference(Context& context, const RouteMatch&) {
  answer_inference(context, Kind);
}
template <bool IsReadiness>
void health(Context& context, const RouteMatch&) {
  if (IsReadiness && !context.services.is_ready) {
    return context.send_json(R"({"status":"unavailable"})", 503);
  }
  context.send_json(R"({"status":"ok"})");
}

// A caller's own tasks and sessions are its own: others' are looked at one by one by the surface.
constexpr std::array<ActionEntry, action_count> entries{{
    {Action::chat, "tasks:create", Body::json, inference<TaskKind::chat>},
    {Action::completion, "tasks:create", Body::json, inference<TaskKind::completion>},
    {Action::embedding, "tasks:create", Body::json, inference<TaskKind::embedding>},
    {Action::native_chat, "tasks:create", Body::json, inference<TaskKind::native_chat>},
    {Action::list_models, "", Body::none, plain<answer_list_models>},
    {Action::get_model, "", Body::none, with_name<answer_get_model>},
    {Action::infer_llm, "tasks:create", Body::json, with_name<answer_llm_infer>},
    {Action::create_task, "tasks:create", Body::json, plain<answer_create_task>},
    {Action::list_tasks, "", Body::none, plain<answer_list_tasks>},
    {Action::get_task, "", Body::none, with_name<answer_get_task>},
    {Action::cancel_task, "", Body::none, with_name<answer_cancel_task>},
    {Action::stream_task, "", Body::none, with_name<answer_task_stream>},
    {Action::list_llms, "llms:view", Body::none, plain<answer_list_llms>},
    {Action::get_llm, "llms:view", Body::none, with_name<answer_get_llm>},
    {Action::list_profiles, "profiles:view", Body::none, plain<answer_list_profiles>},
    {Action::get_profile, "profiles:view", Body::none, with_name<answer_get_profile>},
    {Action::put_profile, "profiles:edit", Body::json, with_name<answer_put_profile>},
    {Action::list_pools, "profiles:view", Body::none, plain<answer_list_pools>},
    {Action::get_pool, "profiles:view", Body::none, with_name<answer_get_pool>},
    {Action::put_pool, "profiles:edit", Body::json, with_name<answer_put_pool>},
    {Action::list_calls, "calls:view", Body::none, plain<answer_list_calls>},
    {Action::acquire_slot, "slots:create", Body::json, plain<answer_acquire_slot>},
    {Action::hold_slot, "slots:create", Body::none, plain<answer_hold_slot>},
    {Action::mark_slot, "", Body::json, with_name<answer_mark_slot>},
    {Action::renew_slot, "", Body::none, with_name<answer_renew_slot>},
    {Action::release_slot, "", Body::maybe_json, with_name<answer_release_slot>},
    {Action::broker_state, "calls:view", Body::none, plain<answer_broker_state>},
    {Action::list_agents, "agents:view", Body::none, plain<answer_list_agents>},
    {Action::get_agent, "agents:view", Body::none, with_name<answer_get_agent>},
    {Action::put_agent, "agents:edit", Body::json, with_name<answer_put_agent>},
    {Action::delete_agent, "agents:edit", Body::none, with_name<answer_delete_agent>},
    {Action::chat_agent, "tasks:create", Body::json, with_name<answer_agent_chat>},
    {Action::register_worker, "workers:create", Body::json, plain<answer_register_worker>},
    {Action::list_workers, "", Body::none, plain<answer_list_workers>},
    {Action::get_worker, "", Body::none, with_name<answer_get_worker>},
    {Action::leave_worker, "workers:create", Body::none, with_name<answer_leave_worker>},
    {Action::bind_worker, "workers:create", Body::none, with_name<answer_bind_worker>},
    {Action::heartbeat_worker, "workers:create", Body::maybe_json,
     with_name<answer_worker_heartbeat>},
    {Action::drain_worker, "workers:create", Body::none, with_name<answer_drain_worker>},
    {Action::take_chunk, "workers:create", Body::json, with_task<answer_worker_chunk>},
    {Action::take_result, "workers:create", Body::json, with_task<answer_worker_result>},
    {Action::hear_push_worker, "workers:create", Body::json, plain<answer_push_heartbeat>},
    {Action::make_job, "tasks:create", Body::json, plain<answer_job>},
    {Action::stream_job, "", Body::none, with_name<answer_job_stream>},
    {Action::cancel_job, "", Body::none, with_name<answer_cancel_job>},
    {Action::livez, "", Body::none, health<false>},
    {Action::readyz, "", Body::none, health<true>},
    {Action::reload, "admin:edit", Body::none, plain<answer_reload>},
    {Action::metrics, "calls:view", Body::none, plain<answer_metrics>},
    {Action::events, "calls:view", Body::none, plain<answer_events>},
    {Action::login, "", Body::json, plain<answer_login>},
    {Action::logout, "", Body::none, plain<answer_logout>},
    {Action::openapi, "", Body::none, plain<answer_openapi>},
    {Action::dashboard, "", Body::none, plain<answer_dashboard>},
    {Action::asset, "", Body::none, with_name<answer_asset>},
}};

constexpr bool is_in_order() {
  for (std::size_t index = 0; index < entries.size(); ++index) {
    if (entries[index].action != static_cast<Action>(index)) return false;
  }
  return true;
}
static_assert(is_in_order(), "an action is looked up by its number");

const ActionEntry& entry_of(Action action) {
  return entries[static_cast<std::size_t>(action)];
}

bool is_json_type(std::string_view field) {
  constexpr std::string_view wanted = "application/json";
  std::string_view type = field.substr(0, field.find(';'));
  type = type.substr(0, type.find_last_not_of(" \t") + 1);
  return std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

// Who may edit everybody's workers may do what a worker may.
bool has_grant(const Caller& caller, std::string_view grant) {
  if (grant.empty() || caller.may(grant)) return true;
  return grant == "workers:create" && caller.may("workers:edit");
}

}  // namespace

std::optional<Error> check_action(const Context& context, Action action) {
  const ActionEntry& entry = entry_of(action);
  if (!has_grant(context.caller, entry.grant)) {
    return make_error(ErrorCode::forbidden, "this key has no grant " + std::string{entry.grant})
        .with("grant", std::string{entry.grant});
  }
  const bool is_empty = entry.body == Body::maybe_json && context.request.body.empty();
  if (entry.body == Body::none || is_empty) return std::nullopt;
  const std::string* type = find_header(context.request.headers, "Content-Type");
  if (type != nullptr && is_json_type(*type)) return std::nullopt;
  return make_error(ErrorCode::unsupported_media_type, "Content-Type must be application/json");
}

void answer_action(Context& context, const RouteMatch& route) {
  entry_of(route.action).answer(context, route);
}

}  // namespace signalbox::http
