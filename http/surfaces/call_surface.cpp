#include "http/surfaces/call_surface.hpp"

#include "http/front/render.hpp"
#include "http/front/route_table.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

/// Rows in the answer of /broker/state.
constexpr std::size_t state_calls = 100;

std::optional<Error> read_calls_filter(const std::string& name, const std::string& value,
                                       CallQuery& query) {
  if (name == "limit") {
    if (!read_number(std::string_view{value}, query.limit) || query.limit < 1 ||
        query.limit > call_page_max) {
      return invalid_request("limit must be 1 to 1000", "limit");
    }
  } else if (name == "profile") {
    query.profile = value;
  } else if (name == "status") {
    query.status = parse_call_status(value);
    if (!query.status) return invalid_request("no call status is called that", "status");
  } else if (name == "since") {
    WallTime since{};
    if (!parse_time(value, since))
      return invalid_request("since must be an RFC 3339 time", "since");
    query.since = since;
  } else if (name == "cursor") {
    query.cursor = TaskId::parse(value);
    if (!query.cursor) return invalid_request("this is no cursor that a list gave", "cursor");
  } else {
    return invalid_request("there is no such parameter", name);
  }
  return std::nullopt;
}

// Memory before disk: what has left memory in between is on the disk by then.
Result<CallRowPage> list_calls(const Context& context, const CallQuery& query) {
  auto in_memory = ask<actors::CallPage>(context.services, actors::ListCalls{query});
  if (in_memory.has_error()) return in_memory.error();
  auto in_store = context.services.ports.store->list_calls(query);
  if (in_store.has_error()) return in_store.error();
  return merge_pages(std::move(in_memory->page), std::move(*in_store), query);
}

void write_calls(JsonWriter& json, const CallRowPage& page) {
  json.key("calls").begin_array();
  for (const auto& row : page.rows) write_call(json, *row);
  json.end_array();
}

}  // namespace

void answer_list_calls(Context& context) {
  const auto parameters = parse_query(context.request.query);
  if (parameters.has_error()) return context.send_error(parameters.error());
  CallQuery query;
  for (const auto& [name, value] : *parameters) {
    if (auto error = read_calls_filter(name, value, query)) return context.send_error(*error);
  }
  const auto page = list_calls(context, query);
  if (page.has_error()) return context.send_error(page.error());
  JsonWriter json;
  json.begin_object();
  write_calls(json, *page);
  json.key("next_cursor");
  json.string_or_null(page->next_cursor ? page->next_cursor->to_string() : "").end_object();
  context.send_json(json.take());
}

// Each part as its single call would show it to this caller; what is not for it is empty, as in the
// live events.
void answer_broker_state(Context& context) {
  Services& services = context.services;
  const Caller& caller = context.caller;
  const bool sees_profiles = caller.may("profiles:view");
  const bool sees_llms = caller.may("llms:view");
  const bool sees_all_workers = caller.may("workers:view") || caller.may("workers:edit");
  const auto profiles = ask<actors::ProfileList>(services, actors::ListProfiles{});
  if (profiles.has_error()) return context.send_error(profiles.error());
  const auto workers =
      ask<actors::WorkerList>(services, actors::ListWorkers{caller.owner, sees_all_workers});
  if (workers.has_error()) return context.send_error(workers.error());
  const auto llms = ask<actors::LlmList>(services, actors::ListLlms{});
  if (llms.has_error()) return context.send_error(llms.error());
  CallQuery query;
  query.limit = state_calls;
  const auto calls = list_calls(context, query);
  if (calls.has_error()) return context.send_error(calls.error());

  JsonWriter json;
  json.begin_object().key("profiles").begin_object();
  for (const auto& profile : profiles->profiles) {
    if (!sees_profiles) break;
    json.key(profile.name);
    write_profile(json, profile);
  }
  json.end_object();
  write_calls(json, *calls);
  json.key("workers").begin_array();
  for (const auto& worker : workers->workers) write_worker(json, worker);
  json.end_array().key("llms").begin_array();
  for (const Llm& llm : llms->table->llms) {
    if (!sees_llms) break;
    write_llm(json, llm);
  }
  json.end_array();
  json.key("uptime_s").number(to_seconds(std::chrono::steady_clock::now() - services.started_at));
  json.key("version").string(services.version);
  json.end_object();
  context.send_json(json.take());
}

}  // namespace signalbox::http
