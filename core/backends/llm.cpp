#include "core/backends/llm.hpp"

#include <algorithm>

namespace signalbox {
namespace {

bool is_present(const Llm& llm) {
  return llm.is_present();
}

Route route_to(const RoutingTable& table, const Llm& llm, std::string named_llm) {
  Route route;
  route.pool = llm.pool_key();
  route.llm = std::move(named_llm);
  route.model = llm.model;
  route.tier = llm.tier;
  route.type = llm.type;
  route.profile_part = llm.pool.empty() ? llm.model : llm.pool;
  route.is_present = std::any_of(table.llms.begin(), table.llms.end(), [&](const Llm& each) {
    return each.pool_key() == route.pool && is_present(each);
  });
  return route;
}

/// No LLM, pool or model has a longer name, and what a caller makes up is not said back at length.
/// Unit: bytes.
constexpr std::size_t shown_name_max = 256;

std::string shown(std::string_view name) {
  if (name.size() > shown_name_max) return "(" + std::to_string(name.size()) + " bytes)";
  return std::string{name};
}

Error no_such_model(std::string_view name) {
  return make_error(ErrorCode::model_not_found, "no LLM, pool or model is named \"" + shown(name) +
                                                    "\"; GET /v1/models lists what there is")
      .at_param("model")
      .with("model", shown(name));
}

// Siblings that are present come first, so that the route shows one that may really run it.
const Llm* find_preferring_present(const RoutingTable& table, auto matches) {
  const Llm* found = nullptr;
  for (const Llm& llm : table.llms) {
    if (!matches(llm)) continue;
    if (is_present(llm)) return &llm;
    if (found == nullptr) found = &llm;
  }
  return found;
}

}  // namespace

std::string_view to_string(LlmKind kind) {
  switch (kind) {
    case LlmKind::upstream:
      return "upstream";
    case LlmKind::worker:
      return "worker";
    case LlmKind::plugin:
      return "plugin";
  }
  return "upstream";
}

std::string_view to_string(LlmStatus status) {
  switch (status) {
    case LlmStatus::active:
      return "active";
    case LlmStatus::inactive:
      return "inactive";
    case LlmStatus::hibernating:
      return "hibernating";
  }
  return "inactive";
}

const Llm* RoutingTable::find(std::string_view name) const {
  const auto place =
      std::find_if(llms.begin(), llms.end(), [&](const Llm& llm) { return llm.name == name; });
  return place == llms.end() ? nullptr : &*place;
}

Result<Route> resolve(const RoutingTable& table, std::string_view name) {
  // An LLM without a pool has an empty one; that is not a name.
  if (name.empty()) return no_such_model(name);
  if (const Llm* llm = table.find(name)) return route_to(table, *llm, llm->name);
  if (const Llm* llm =
          find_preferring_present(table, [&](const Llm& each) { return each.pool == name; })) {
    return route_to(table, *llm, {});
  }
  if (const Llm* llm =
          find_preferring_present(table, [&](const Llm& each) { return each.model == name; })) {
    return route_to(table, *llm, llm->name);
  }
  return no_such_model(name);
}

Route route_to_absent(std::string_view name) {
  Route route;
  route.pool = name;
  route.model = name;
  route.profile_part = name;
  return route;
}

Result<Route> resolve_llm(const RoutingTable& table, std::string_view name) {
  if (const Llm* llm = table.find(name)) return route_to(table, *llm, llm->name);
  return make_error(ErrorCode::llm_not_found, "no LLM is named \"" + shown(name) + "\"")
      .with("llm", shown(name));
}

std::string derive_profile(const Route& route, TaskKind kind) {
  const bool is_lmstudio = route.type == "lmstudio";
  switch (kind) {
    case TaskKind::embedding:
      return (is_lmstudio ? "lmstudio:" : "embeddings:") + route.profile_part;
    case TaskKind::native_chat:
      return "lmstudio_native:" + route.profile_part;
    case TaskKind::chat:
    case TaskKind::completion:
      return "openai_compat:" + route.profile_part;
  }
  return "openai_compat:" + route.profile_part;
}

}  // namespace signalbox
