#include "http/admin_surface.hpp"

#include "http/read_members.hpp"
#include "http/render.hpp"

namespace signalbox::http {
namespace {

Result<std::shared_ptr<const RoutingTable>> routing_table(Context& context) {
  auto list = ask<actors::LlmList>(context.services, actors::ListLlms{});
  if (list.has_error()) return list.error();
  return list->table;
}

/// Answers with the profile, or with why there is none.
void send_profile(Context& context, const Result<actors::ProfileStatus>& status) {
  if (status.has_error()) return context.send_error(status.error());
  if (status->error.code != ErrorCode::none) return context.send_error(status->error);
  JsonWriter json;
  write_profile(json, *status);
  context.send_json(json.take());
}

std::optional<Error> read_setting(const Member& member, actors::ConfigureProfile& change) {
  const std::string& name = member.name;
  if (name == "max_concurrent" || name == "max_queued") {
    std::uint32_t number = 0;
    if (!read_number(member.value, number)) {
      return invalid_request(name + " must be a whole number, 0 or more", name);
    }
    (name == "max_queued" ? change.max_queued : change.max_concurrent) = number;
  } else if (name == "default_queue_wait_s" || name == "default_inference_s") {
    double seconds = 0;
    if (!read_number(member.value, seconds)) {
      return invalid_request(name + " must be a number of seconds", name);
    }
    (name == "default_inference_s" ? change.default_inference_s : change.default_queue_wait_s) =
        seconds;
  } else if (name == "policy") {
    change.policy = unquote(member.value);
    if (!change.policy) return invalid_request("policy must be a name", name);
  } else {
    return invalid_request("a profile has no setting \"" + name +
                               "\"; it has max_concurrent, max_queued, default_queue_wait_s, "
                               "default_inference_s and policy",
                           name);
  }
  return std::nullopt;
}

}  // namespace

void answer_list_models(Context& context) {
  const auto table = routing_table(context);
  if (table.has_error()) return context.send_error(table.error());
  context.send_json(models_list(**table));
}

void answer_get_model(Context& context, const std::string& id) {
  const auto table = routing_table(context);
  if (table.has_error()) return context.send_error(table.error());
  const auto model = model_object(**table, id);
  if (model) return context.send_json(*model);
  context.send_error(resolve(**table, id).error());
}

void answer_list_llms(Context& context) {
  const auto table = routing_table(context);
  if (table.has_error()) return context.send_error(table.error());
  JsonWriter json;
  json.begin_object().key("llms").begin_array();
  for (const Llm& llm : (*table)->llms) write_llm(json, llm);
  json.end_array().end_object();
  context.send_json(json.take());
}

void answer_get_llm(Context& context, const std::string& name) {
  const auto table = routing_table(context);
  if (table.has_error()) return context.send_error(table.error());
  const Llm* llm = (*table)->find(name);
  if (llm == nullptr) return context.send_error(resolve_llm(**table, name).error());
  JsonWriter json;
  write_llm(json, *llm);
  context.send_json(json.take());
}

void answer_list_profiles(Context& context) {
  const auto list = ask<actors::ProfileList>(context.services, actors::ListProfiles{});
  if (list.has_error()) return context.send_error(list.error());
  JsonWriter json;
  json.begin_object().key("profiles").begin_array();
  for (const auto& profile : list->profiles) write_profile(json, profile);
  json.end_array().end_object();
  context.send_json(json.take());
}

void answer_get_profile(Context& context, const std::string& name) {
  send_profile(context, ask<actors::ProfileStatus>(context.services, actors::GetProfile{name}));
}

void answer_put_profile(Context& context, const std::string& name) {
  if (!is_valid_name(name)) {
    return context.send_error(
        invalid_request("a profile's name is 1-128 of [A-Za-z0-9._:/@+-]", "name"));
  }
  const auto members = scan_object(context.request.body);
  if (members.has_error()) return context.send_error(members.error());
  actors::ConfigureProfile change;
  change.name = name;
  for (const Member& member : *members) {
    if (auto error = read_setting(member, change)) return context.send_error(*error);
  }
  send_profile(context, ask<actors::ProfileStatus>(context.services, std::move(change)));
}

void answer_reload(Context& context) {
  if (const auto error = context.services.reload()) return context.send_error(*error);
  context.send_json(R"({"status":"reloaded"})");
}

}  // namespace signalbox::http
