#include "http/surfaces/admin_surface.hpp"

#include <type_traits>

#include "http/front/render.hpp"
#include "http/text/read_members.hpp"

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

template <class Number>
std::optional<Error> read_into(std::string_view value, const std::string& name,
                               std::optional<Number>& field) {
  Number number{};
  if (!read_number(value, number)) {
    constexpr bool is_whole = std::is_integral_v<Number>;
    return invalid_request(
        name + (is_whole ? " must be a whole number, 0 or more" : " must be a number of seconds"),
        name);
  }
  field = number;
  return std::nullopt;
}

std::string_view options_of(std::string_view policy) {
  if (policy == "aging") return "interactive, workflow and background";
  return policy == "sjf" ? "max_bypass_s" : "max_bypass_s, hold_s and min_batch";
}

/// The options of one policy: an object whose members are options, by name.
std::optional<Error> read_options(const Member& member, PolicyOptionsChange& change) {
  const std::string& policy = member.name;
  const auto options = scan_object(member.value);
  if (options.has_error()) return invalid_request(policy + " must be an object", policy);
  for (const Member& option : *options) {
    const std::string name = policy + "." + option.name;
    std::optional<Error> error;
    const auto priority = policy == "aging" ? parse_priority(option.name) : std::nullopt;
    if (priority && to_string(*priority) == option.name) {
      error = read_into(option.value, name, change.aging_weights[to_index(*priority)]);
    } else if (policy != "aging" && option.name == "max_bypass_s") {
      error = read_into(option.value, name,
                        policy == "sjf" ? change.sjf_max_bypass_s : change.swap_max_bypass_s);
    } else if (policy == "swap" && option.name == "hold_s") {
      error = read_into(option.value, name, change.swap_hold_s);
    } else if (policy == "swap" && option.name == "min_batch") {
      error = read_into(option.value, name, change.swap_min_batch);
    } else {
      error = invalid_request(policy + " has no option \"" + option.name + "\"; it has " +
                                  std::string{options_of(policy)},
                              name);
    }
    if (error) return error;
  }
  return std::nullopt;
}

/// `null`, or the bounds anew: what is not named is not kept.
std::optional<Error> read_tuning(const Member& member, actors::ConfigureProfile& change) {
  if (member.value == "null") {
    change.tune_slots.emplace();
    return std::nullopt;
  }
  const auto members = scan_object(member.value);
  if (members.has_error())
    return invalid_request("tune_slots must be an object or null", member.name);
  std::optional<std::uint32_t> min = 1;
  std::optional<std::uint32_t> max;
  for (const Member& bound : *members) {
    const std::string name = "tune_slots." + bound.name;
    std::optional<Error> error;
    if (bound.name == "min") {
      error = read_into(bound.value, name, min);
    } else if (bound.name == "max") {
      error = read_into(bound.value, name, max);
    } else {
      error = invalid_request("tune_slots has no \"" + bound.name + "\"; it has min and max", name);
    }
    if (error) return error;
  }
  if (!max) return invalid_request("tune_slots must have max", "tune_slots.max");
  change.tune_slots = SlotBounds{*min, *max};
  return std::nullopt;
}

/// `fair: {weights: {owner: weight}}`: the weights take the place of those that were.
std::optional<Error> read_fair(const Member& member, PolicyOptionsChange& change) {
  const auto options = scan_object(member.value);
  if (options.has_error()) return invalid_request("fair must be an object", "fair");
  for (const Member& option : *options) {
    const std::string name = "fair." + option.name;
    if (option.name != "weights") {
      return invalid_request("fair has no option \"" + option.name + "\"; it has weights", name);
    }
    const auto weights = scan_object(option.value);
    if (weights.has_error()) {
      return invalid_request("fair.weights must be an object of owners, each named once", name);
    }
    OwnerWeights& read = change.fair_weights.emplace();
    for (const Member& owner : *weights) {
      if (read_number(owner.value, read[owner.name])) continue;
      const std::string weight = name + "." + owner.name;
      return invalid_request(weight + " must be a whole number", weight);
    }
  }
  return std::nullopt;
}

std::optional<Error> read_setting(const Member& member, actors::ConfigureProfile& change) {
  const std::string& name = member.name;
  const std::string_view value = member.value;
  if (name == "max_concurrent") return read_into(value, name, change.max_concurrent);
  if (name == "max_queued") return read_into(value, name, change.max_queued);
  if (name == "default_queue_wait_s") return read_into(value, name, change.default_queue_wait_s);
  if (name == "default_inference_s") return read_into(value, name, change.default_inference_s);
  if (name == "reserve_interactive") {
    return read_into(value, name, change.options.reserve_interactive);
  }
  if (name == "background_trickle") {
    return read_into(value, name, change.options.background_trickle);
  }
  if (name == "preempt_budget") return read_into(value, name, change.preempt_budget);
  if (name == "tune_slots") return read_tuning(member, change);
  if (name == "preempt") {
    const auto word = unquote(value);
    change.preempt = word ? parse_preempt(*word) : std::nullopt;
    if (!change.preempt) return invalid_request("preempt must be none or background", name);
    return std::nullopt;
  }
  if (name == "aging" || name == "sjf" || name == "swap") {
    return read_options(member, change.options);
  }
  if (name == "fair") return read_fair(member, change.options);
  if (name == "policy") {
    change.policy = unquote(member.value);
    if (!change.policy) return invalid_request("policy must be a name", name);
  } else {
    return invalid_request(
        "a profile has no setting \"" + name +
            "\"; it has max_concurrent, max_queued, default_queue_wait_s, "
            "default_inference_s, policy, reserve_interactive, "
            "background_trickle, aging, fair, sjf, swap, preempt, preempt_budget and "
            "tune_slots",
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
