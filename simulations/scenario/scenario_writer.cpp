// Every struct is taken apart by structured bindings: a field that is added to one of them does not
// compile here until it is written, too.
#include "simulations/scenario/scenario_writer.hpp"

#include <algorithm>

#include "config/words.hpp"
#include "simulations/scenario/arrival_writer.hpp"
#include "simulations/scenario/law_writer.hpp"

namespace signalbox::sim {
namespace {

/// Lines "key: value" of one item of a list, the first with the dash.
class Item {
 public:
  explicit Item(std::string& out) : x_out{out} {}

  void add(const std::string& key, const std::string& value) {
    const bool is_block = value.starts_with('\n');
    x_out += (x_is_first ? "  - " : "    ") + key + (is_block ? ":" : ": ") + value + "\n";
    x_is_first = false;
  }

 private:
  std::string& x_out;
  bool x_is_first = true;
};

std::string policy_weights_text(const PolicyOptions& options, const PolicyOptions& usual) {
  FlowMap weights;
  for (const Priority priority : all_priorities) {
    const std::uint32_t weight = options.aging_weights[to_index(priority)];
    if (weight != usual.aging_weights[to_index(priority)]) weights.add(to_string(priority), weight);
  }
  return weights.is_empty() ? std::string{} : weights.text();
}

std::string owner_weights_text(const OwnerWeights& weights) {
  FlowMap text;
  for (const auto& [owner, weight] : weights) text.add(value_text(owner), weight);
  return text.text();
}

void add_policy_options(FlowMap& profile, const PolicyOptions& options) {
  const PolicyOptions usual;
  const auto& [reserve_interactive, background_trickle, aging_weights, fair_weights,
               sjf_max_bypass_s, swap_max_bypass_s, swap_hold_s, swap_min_batch] = options;
  if (reserve_interactive != usual.reserve_interactive) {
    profile.add("reserve_interactive", reserve_interactive);
  }
  if (background_trickle != usual.background_trickle) {
    profile.add("background_trickle", background_trickle);
  }
  if (aging_weights != usual.aging_weights) {
    profile.add("aging", policy_weights_text(options, usual));
  }
  if (!fair_weights.empty()) {
    profile.add("fair", FlowMap{}.add("weights", owner_weights_text(fair_weights)).text());
  }
  if (sjf_max_bypass_s != usual.sjf_max_bypass_s) {
    profile.add("sjf", FlowMap{}.add("max_bypass_s", number_text(sjf_max_bypass_s)).text());
  }
  FlowMap swap;
  if (swap_max_bypass_s != usual.swap_max_bypass_s) {
    swap.add("max_bypass_s", number_text(swap_max_bypass_s));
  }
  if (swap_hold_s != usual.swap_hold_s) swap.add("hold_s", number_text(swap_hold_s));
  if (swap_min_batch != usual.swap_min_batch) swap.add("min_batch", swap_min_batch);
  if (!swap.is_empty()) profile.add("swap", swap.text());
}

std::string profile_text(const ProfileSettings& settings) {
  const ProfileSettings usual;
  const auto& [max_concurrent, max_queued, default_queue_wait_s, default_inference_s, policy,
               commit, policy_options, preempt, preempt_budget, tune_slots] = settings;
  FlowMap profile;
  if (max_concurrent) profile.add("max_concurrent", *max_concurrent);
  if (max_queued != usual.max_queued) profile.add("max_queued", max_queued);
  if (default_queue_wait_s != usual.default_queue_wait_s) {
    profile.add("default_queue_wait_s", number_text(default_queue_wait_s));
  }
  if (default_inference_s != usual.default_inference_s) {
    profile.add("default_inference_s", number_text(default_inference_s));
  }
  if (policy != usual.policy) profile.add("policy", policy);
  if (commit) profile.add("commit", config::to_string(*commit));
  add_policy_options(profile, policy_options);
  if (preempt != usual.preempt) profile.add("preempt", to_string(preempt));
  if (preempt_budget != usual.preempt_budget) profile.add("preempt_budget", preempt_budget);
  if (tune_slots) {
    profile.add("tune_slots",
                FlowMap{}.add("min", tune_slots->min).add("max", tune_slots->max).text());
  }
  return profile.text();
}

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + value_text(name);
  return "[" + text + "]";
}

std::string slowdown_text(const Slowdown& slowdown) {
  const auto& [per_call, per_call_beyond, knee] = slowdown;
  FlowMap text;
  text.add("per_call", share_text(per_call));
  if (knee > 0) text.add("knee", knee);
  if (per_call_beyond > 0 || knee > 0) text.add("per_call_beyond", share_text(per_call_beyond));
  return text.text();
}

std::string worker_text(const WorkerSpec& worker) {
  const auto& [heartbeat, wakes_in] = worker;
  FlowMap text;
  if (heartbeat != WorkerSpec{}.heartbeat) text.add("heartbeat_s", seconds_text(heartbeat));
  add_optional_time(text, "wakes_in_s", wakes_in);
  return text.text();
}

void add_backend(std::string& out, const BackendSpec& spec) {
  const auto& [name, pool, model, capacity, service, models, swap, slowdown, reports_usage,
               worker] = spec;
  Item item{out};
  item.add("name", value_text(name));
  if (!pool.empty()) item.add("pool", value_text(pool));
  if (!model.empty()) item.add("model", value_text(model));
  if (capacity) item.add("capacity", std::to_string(*capacity));
  if (!models.empty()) item.add("models", names_text(models));
  if (swap != Duration::zero()) item.add("swap_s", seconds_text(swap));
  if (!slowdown.is_none()) item.add("slowdown", slowdown_text(slowdown));
  if (reports_usage) item.add("reports_usage", "true");
  if (worker) item.add("worker", worker_text(*worker));
  item.add("service", service_text(service));
}

std::string slot_text(const SlotUse& slot) {
  const auto& [hold, lease, renew_every] = slot;
  FlowMap text;
  text.add("hold", service_text(hold));
  if (lease != Duration::zero()) text.add("lease_s", seconds_text(lease));
  if (renew_every != Duration::zero()) text.add("renew_every_s", seconds_text(renew_every));
  return text.text();
}

void add_client(std::string& out, const ClientSpec& spec) {
  const auto& [name, priority, owner, profile, target, arrival, tokens_in, tokens_out, queue_wait,
               inference, declares_size, size_error, is_async, streaming, cancel, hang_up,
               duplicate, retry, tasks, start, sessions, slot, declares_input] = spec;
  Item item{out};
  item.add("name", value_text(name));
  item.add("class", std::string{to_string(priority)});
  item.add("profile", value_text(profile));
  if (!target.empty()) item.add("model", value_text(target));
  if (slot) item.add("slot", slot_text(*slot));
  if (owner != name) item.add("owner", value_text(owner));
  if (tokens_in != Law{}) item.add("tokens_in", token_law_text(tokens_in));
  if (tokens_out != Law{}) item.add("tokens_out", token_law_text(tokens_out));
  if (declares_size) item.add("declares_size", "true");
  if (declares_input) item.add("declares_input", "true");
  if (size_error > 0) item.add("size_error", share_text(size_error));
  if (is_async) item.add("async", "true");
  if (streaming) item.add("streaming", "true");
  if (cancel) item.add("cancel_after", act_text(*cancel));
  if (hang_up) item.add("hang_up_after", act_text(*hang_up));
  if (duplicate) item.add("duplicate_after", act_text(*duplicate));
  if (retry) item.add("retry", retry_text(*retry));
  if (queue_wait) item.add("queue_wait_s", seconds_text(*queue_wait));
  if (inference) item.add("inference_s", seconds_text(*inference));
  if (tasks) item.add("tasks", std::to_string(*tasks));
  if (start != Duration::zero()) item.add("start_s", seconds_text(start));
  if (sessions > 0) item.add("sessions", std::to_string(sessions));
  item.add("arrival", arrival_text(arrival));
}

std::string fault_text(const Fault& fault) {
  const auto& [kind, target, at, lasts, amount, delay, word] = fault;
  const FaultShape& shape = shape_of(kind);
  FlowMap text;
  text.add("kind", shape.name);
  if (shape.target == FaultTarget::backend) text.add("backend", value_text(target));
  if (shape.target == FaultTarget::profile) text.add("profile", value_text(target));
  text.add("at_s", seconds_text(at));
  if (lasts != Duration::zero()) text.add("lasts_s", seconds_text(lasts));
  if (!shape.amount_key.empty()) text.add(shape.amount_key, amount);
  if (delay != Duration::zero()) text.add(shape.delay_key, seconds_text(delay));
  if (!shape.word_key.empty()) text.add(shape.word_key, value_text(word));
  return text.text();
}

std::string gc_text(const config::GcSettings& gc) {
  const config::GcSettings usual;
  const auto& [interval_s, pending_timeout_s, terminal_retention_s, call_retention_s] = gc;
  FlowMap text;
  const auto add = [&](const char* key, std::uint32_t value, std::uint32_t default_value) {
    if (value != default_value) text.add(key, value);
  };
  add("interval_s", interval_s, usual.interval_s);
  add("pending_timeout_s", pending_timeout_s, usual.pending_timeout_s);
  add("terminal_retention_s", terminal_retention_s, usual.terminal_retention_s);
  add("call_retention_s", call_retention_s, usual.call_retention_s);
  return text.text();
}

/// A list's or a map's key, and what stands for it when it is empty.
std::string heading(const std::string& key, bool is_empty, const std::string& nothing) {
  return "\n" + key + ":" + (is_empty ? " " + nothing : "") + "\n";
}

}  // namespace

std::string write_scenario(const Scenario& scenario) {
  const Scenario usual;
  const auto& [name, seed, tasks, horizon, warmup_tasks, commit, profiles, pools, backends, clients,
               worker_timeout, faults, schedule_seed, has_breaker, gc] = scenario;
  std::string out = "version: 1\n";
  if (seed != usual.seed) out += "seed: " + std::to_string(seed) + "\n";
  if (tasks) out += "tasks: " + std::to_string(*tasks) + "\n";
  if (horizon) out += "horizon_s: " + seconds_text(*horizon) + "\n";
  if (warmup_tasks != 0) out += "warmup_tasks: " + std::to_string(warmup_tasks) + "\n";
  if (commit != usual.commit) out += "commit: " + std::string{config::to_string(commit)} + "\n";
  if (schedule_seed) out += "schedule_seed: " + std::to_string(*schedule_seed) + "\n";
  if (!has_breaker) out += "breaker: false\n";
  if (worker_timeout != usual.worker_timeout) {
    out += "worker_timeout_s: " + seconds_text(worker_timeout) + "\n";
  }
  if (gc) out += "gc: " + gc_text(*gc) + "\n";
  out += heading("profiles", profiles.empty(), "{}");
  for (const auto& [profile, settings] : profiles) {
    out += "  " + value_text(profile) + ": " + profile_text(settings) + "\n";
  }
  if (!pools.empty()) out += heading("pools", false, "");
  for (const auto& [pool, choice] : pools) {
    out +=
        "  " + value_text(pool) + ": " + FlowMap{}.add("choice", to_string(choice)).text() + "\n";
  }
  out += heading("backends", backends.empty(), "[]");
  for (const BackendSpec& backend : backends) add_backend(out, backend);
  out += heading("clients", clients.empty(), "[]");
  for (const ClientSpec& client : clients) add_client(out, client);
  if (faults.empty()) return out;
  out += heading("faults", false, "");
  for (const Fault& fault : faults) out += "  - " + fault_text(fault) + "\n";
  return out;
}

}  // namespace signalbox::sim
