#include "config/load_lists.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "config/json_text.hpp"

namespace signalbox::config {
namespace {

std::optional<std::string> check_variable_name(const std::string& text) {
  if (is_variable_name(text)) return std::nullopt;
  return "must be the name of an environment variable, not " + quote(text);
}

std::optional<std::string> check_url(const std::string& text) {
  if (auto problem = find_url_problem(text)) return *problem + ": " + quote(text);
  return std::nullopt;
}

std::optional<std::string> check_sha256(const std::string& text) {
  if (is_sha256(text)) return std::nullopt;
  return "must be 64 hex digits: the SHA-256 of the whole key";
}

std::optional<std::string> check_grant(const std::string& text) {
  const auto& grants = all_grants();
  if (std::find(grants.begin(), grants.end(), text) != grants.end()) return std::nullopt;
  const auto nearest = find_nearest(text, grants);
  return "unknown grant " + quote(text) +
         (nearest ? "; did you mean " + *nearest + "?"
                  : "; a grant is tasks|llms|agents|workers|profiles|slots|calls|admin, a colon, "
                    "view|create|edit|delete");
}

/// Reports the second of two equal values of `key` across a list.
class UniqueCheck {
 public:
  explicit UniqueCheck(std::string key) : x_key{std::move(key)} {}

  void add(SectionReader& section, const std::string& value) {
    if (value.empty()) return;
    const Entry* entry = section.find(x_key);
    const auto [first, is_new] = x_first.emplace(value, entry->value->line);
    if (is_new) return;
    section.context().add(
        *entry->value, section.path_of(x_key),
        quote(value) + " is used twice, first in line " + std::to_string(first->second));
  }

 private:
  std::string x_key;
  std::map<std::string, std::size_t> x_first;
};

UpstreamSettings read_upstream(SectionReader& section) {
  UpstreamSettings upstream;
  section.require("name");
  section.require("url");
  section.read_text("name", upstream.name, check_name);
  section.read_word("type", upstream.type, upstream_type_words(), parse_upstream_type);
  section.read_text("url", upstream.url, check_url);
  section.read_flag("discover", upstream.discover);
  section.read_texts("models", upstream.models, check_name);
  section.read_text("pool", upstream.pool, check_name);
  section.read_text("tier", upstream.tier, check_name);
  section.read_whole("capacity", upstream.capacity, {1, 10'000});
  section.read_text("api_key_env", upstream.api_key_env, check_variable_name);
  const Entry* models = section.find("models");
  const bool has_models = models != nullptr && (models->value->kind != NodeKind::sequence ||
                                                !models->value->items.empty());
  if (section.node()->kind == NodeKind::map && !has_models && !upstream.discover) {
    section.context().add(*section.node(), section.path(),
                          "must have models, or discover: true to ask the server for them");
  }
  section.finish();
  return upstream;
}

void read_aging(SectionReader section, PolicyOptions& options) {
  for (const Priority priority : all_priorities) {
    section.read_whole(std::string{to_string(priority)}, options.aging_weights[to_index(priority)],
                       {1, aging_weight_max});
  }
  section.finish();
}

void read_fair(SectionReader section, PolicyOptions& options) {
  SectionReader weights = open_section(section, "weights");
  section.finish();
  if (weights.node() == nullptr) return;
  for (const Entry& entry : weights.node()->entries) {
    if (auto problem = check_name(entry.key)) {
      weights.context().add(entry, weights.path_of(entry.key), "owner's name " + *problem);
    }
    std::uint32_t& weight = options.fair_weights[entry.key];
    weight = 1;
    weights.read_whole(entry.key, weight, {1, owner_weight_max});
  }
  if (options.fair_weights.size() <= owner_weights_max) return;
  weights.context().add(*weights.node(), weights.path(), "must name at most 256 owners");
}

void read_sjf(SectionReader section, PolicyOptions& options) {
  section.read_seconds("max_bypass_s", options.sjf_max_bypass_s, 0, max_bypass_s_max);
  section.finish();
}

void read_swap(SectionReader section, PolicyOptions& options) {
  section.read_seconds("max_bypass_s", options.swap_max_bypass_s, 0, max_bypass_s_max);
  section.read_seconds("hold_s", options.swap_hold_s, 0, hold_s_max);
  section.read_whole("min_batch", options.swap_min_batch, {min_batch_min, min_batch_max});
  section.finish();
}

void read_policy_options(SectionReader& section, PolicyOptions& options) {
  section.read_whole("reserve_interactive", options.reserve_interactive, {0, max_concurrent_max});
  section.read_whole("background_trickle", options.background_trickle, {0, background_trickle_max});
  read_aging(open_section(section, "aging"), options);
  read_fair(open_section(section, "fair"), options);
  read_sjf(open_section(section, "sjf"), options);
  read_swap(open_section(section, "swap"), options);
}

void read_tuning(SectionReader& section, std::optional<SlotBounds>& bounds) {
  const Entry* entry = section.find("tune_slots");
  if (entry == nullptr || entry->value->kind == NodeKind::null) return;
  SectionReader tuning = open_section(section, "tune_slots");
  bounds.emplace();
  tuning.require("max");
  tuning.read_whole("min", bounds->min, {1, max_concurrent_max});
  tuning.read_whole("max", bounds->max, {1, max_concurrent_max});
  const bool has_max = tuning.find("max") != nullptr;
  tuning.finish();
  if (has_max && bounds->min <= bounds->max) return;
  bounds.reset();
  if (!has_max) return;
  section.context().add(*entry->value, section.path_of("tune_slots"), "min must not be above max");
}

ProfileSettings read_profile(SectionReader& section) {
  ProfileSettings profile;
  section.read_whole("max_concurrent", profile.max_concurrent, {0, max_concurrent_max});
  section.read_whole("max_queued", profile.max_queued, {0, max_queued_max});
  section.read_seconds("default_queue_wait_s", profile.default_queue_wait_s, budget_s_min,
                       budget_s_max);
  section.read_seconds("default_inference_s", profile.default_inference_s, budget_s_min,
                       budget_s_max);
  section.read_text("policy", profile.policy, [](const std::string& policy) {
    ProfileSettings probe;
    probe.policy = policy;
    const auto error = check(probe);
    return error ? std::optional<std::string>{error->message} : std::nullopt;
  });
  section.read_word("commit", profile.commit, commit_mode_words(), parse_commit_mode);
  static const std::vector<std::string> preempt_words{"none", "background"};
  section.read_word("preempt", profile.preempt, preempt_words, parse_preempt);
  section.read_whole("preempt_budget", profile.preempt_budget, {0, preempt_budget_max});
  read_tuning(section, profile.tune_slots);
  read_policy_options(section, profile.policy_options);
  // Each value is in its range by now; what is left is what they may not be together.
  const Entry* reserve = section.find("reserve_interactive");
  if (const auto error = check(profile); error && reserve != nullptr) {
    section.context().add(*reserve->value, section.path_of(error->param), error->message);
  }
  section.finish();
  return profile;
}

/// @param what the map is of.
void read_json(SectionReader& section, const std::string& key, const std::string& what,
               std::string& target) {
  const Entry* entry = section.find(key);
  if (entry == nullptr || entry->value->kind == NodeKind::null) return;
  if (entry->value->kind != NodeKind::map) {
    section.context().add(*entry->value, section.path_of(key),
                          "must be a map of " + what + ", not " + describe(*entry->value));
    return;
  }
  target = to_json(section.context(), *entry->value, section.path_of(key));
}

Agent read_agent(SectionReader& section) {
  Agent agent;
  section.require("name");
  section.read_text("name", agent.name, check_name);
  section.read_text("llm", agent.llm, check_name);
  section.read_text("pool", agent.pool, check_name);
  section.read_text("description", agent.description);
  section.read_text("system_prompt", agent.system_prompt);
  read_json(section, "defaults", "request fields", agent.defaults);
  section.read_word("priority", agent.priority, priority_words(), parse_priority);
  const bool has_llm = section.find("llm") != nullptr;
  const bool has_pool = section.find("pool") != nullptr;
  if (section.node()->kind == NodeKind::map && has_llm == has_pool) {
    section.context().add(
        *section.node(), section.path(),
        has_llm ? "must have either llm or pool, not both" : "must have llm or pool");
  }
  section.finish();
  return agent;
}

KeySettings read_key(SectionReader& section) {
  KeySettings key;
  for (const char* name : {"id", "owner", "sha256"}) section.require(name);
  section.read_text("id", key.id, check_name);
  section.read_text("owner", key.owner, check_name);
  section.read_text("sha256", key.sha256, check_sha256);
  for (char& c : key.sha256) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  section.read_texts("grants", key.grants, check_grant);
  section.read_word("default_priority", key.default_priority, priority_words(), parse_priority);
  section.read_word("max_priority", key.max_priority, priority_words(), parse_priority);
  section.finish();
  return key;
}

PluginSettings read_plugin(SectionReader& section) {
  PluginSettings plugin;
  section.read_text("name", plugin.name, check_name);
  section.read_text("path", plugin.path, check_not_empty);
  read_json(section, "settings", "the plugin's own settings", plugin.settings);
  const bool is_map = section.node()->kind == NodeKind::map;
  if (is_map && section.find("path") == nullptr && section.find("name") == nullptr) {
    section.context().add(*section.node(), section.path(),
                          "must have a path, or the name of a plugin that is linked in");
  }
  if (!plugin.path.empty()) {
    const std::filesystem::path folder{std::filesystem::path{section.context().file}.parent_path()};
    plugin.path = (folder / plugin.path).lexically_normal().string();
    if (plugin.name.empty()) plugin.name = std::filesystem::path{plugin.path}.stem().string();
  }
  section.finish();
  return plugin;
}

}  // namespace

void read_upstreams(SectionReader& root, std::optional<std::vector<UpstreamSettings>>& upstreams) {
  auto sections = root.read_sections("upstreams");
  const Entry* entry = root.find("upstreams");
  if (entry == nullptr || entry->value->kind == NodeKind::null) return;
  UniqueCheck names{"name"};
  upstreams.emplace();
  for (SectionReader& section : sections) {
    upstreams->push_back(read_upstream(section));
    names.add(section, upstreams->back().name);
  }
}

void read_profiles(SectionReader section, std::map<std::string, ProfileSettings>& profiles) {
  if (section.node() == nullptr) return;
  for (const Entry& entry : section.node()->entries) {
    SectionReader profile{section.context(), entry.value, section.path_of(entry.key)};
    if (auto problem = check_name(entry.key)) {
      section.context().add(entry, section.path_of(entry.key), "profile name " + *problem);
    }
    profiles[entry.key] = read_profile(profile);
  }
}

void read_pools(SectionReader section, std::map<std::string, ChoiceKind>& pools) {
  if (section.node() == nullptr) return;
  for (const Entry& entry : section.node()->entries) {
    SectionReader pool{section.context(), entry.value, section.path_of(entry.key)};
    if (auto problem = check_name(entry.key)) {
      section.context().add(entry, section.path_of(entry.key), "pool name " + *problem);
    }
    ChoiceKind choice = ChoiceKind::least_loaded;
    pool.require("choice");
    pool.read_word("choice", choice, choice_words(), parse_choice);
    pool.finish();
    pools[entry.key] = choice;
  }
}

void read_agents(SectionReader& root, std::vector<Agent>& agents) {
  UniqueCheck names{"name"};
  for (SectionReader& section : root.read_sections("agents")) {
    agents.push_back(read_agent(section));
    names.add(section, agents.back().name);
  }
}

void read_auth(SectionReader section, AuthSettings& auth) {
  section.read_word("mode", auth.mode, auth_mode_words(), parse_auth_mode);
  UniqueCheck ids{"id"};
  UniqueCheck hashes{"sha256"};
  for (SectionReader& key : section.read_sections("keys")) {
    auth.keys.push_back(read_key(key));
    ids.add(key, auth.keys.back().id);
    hashes.add(key, auth.keys.back().sha256);
  }
  // Otherwise someone who wrote keys and forgot the mode would believe that they are asked for.
  if (!auth.keys.empty() && section.find("mode") == nullptr) {
    section.context().add(*section.node(), section.path_of("mode"),
                          "must be given with keys: \"keys\" asks every caller for one");
  }
  section.finish();
}

void read_plugins(SectionReader& root, std::vector<PluginSettings>& plugins) {
  std::map<std::string, std::size_t> lines;
  for (SectionReader& section : root.read_sections("plugins")) {
    plugins.push_back(read_plugin(section));
    const std::string& name = plugins.back().name;
    // Also one that was made of a path must be its own.
    const auto [first, is_new] = lines.emplace(name, section.node()->line);
    if (is_new || name.empty()) continue;
    section.context().add(
        *section.node(), section.path_of("name"),
        quote(name) + " is used twice, first in line " + std::to_string(first->second));
  }
}

void read_gc(SectionReader section, GcSettings& gc) {
  section.read_whole("interval_s", gc.interval_s, {1, 86'400});
  section.read_whole("pending_timeout_s", gc.pending_timeout_s, {1, 31'536'000});
  section.read_whole("terminal_retention_s", gc.terminal_retention_s, {1, 315'360'000});
  section.read_whole("call_retention_s", gc.call_retention_s, {1, 315'360'000});
  section.finish();
}

}  // namespace signalbox::config
