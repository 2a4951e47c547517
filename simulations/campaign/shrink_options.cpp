// Simpler parts: options as they are unless given, constants in the place of laws.
#include <functional>

#include "simulations/campaign/shrink_passes.hpp"
#include "simulations/scenario/freeze.hpp"

namespace signalbox::sim {
namespace {

/// Makes something of a scenario simpler, or leaves it as it is.
using Change = std::function<void(Scenario&)>;

void attempt_all(Shrinking& shrinking, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (shrinking.is_over()) return;
    Scenario candidate = shrinking.best();
    change(candidate);
    shrinking.attempt(candidate);
  }
}

/// @returns changes that set a member of the part that `find` gives to its default.
template <class Part, class... Members>
void add_defaults(std::vector<Change>& changes, const std::function<Part&(Scenario&)>& find,
                  Members Part::*... members) {
  (changes.emplace_back([=](Scenario& scenario) { find(scenario).*members = Part{}.*members; }),
   ...);
}

void add_profile_defaults(std::vector<Change>& changes, const std::string& name) {
  using Settings = ProfileSettings;
  const std::function<Settings&(Scenario&)> settings = [name](Scenario& scenario) -> Settings& {
    return scenario.profiles.at(name);
  };
  add_defaults(changes, settings, &Settings::policy_options, &Settings::policy, &Settings::commit,
               &Settings::max_queued, &Settings::default_queue_wait_s,
               &Settings::default_inference_s, &Settings::preempt, &Settings::preempt_budget,
               &Settings::tune_slots);
  const std::function<PolicyOptions&(Scenario&)> options =
      [name](Scenario& scenario) -> PolicyOptions& {
    return scenario.profiles.at(name).policy_options;
  };
  add_defaults(changes, options, &PolicyOptions::reserve_interactive,
               &PolicyOptions::background_trickle, &PolicyOptions::aging_weights,
               &PolicyOptions::fair_weights, &PolicyOptions::sjf_max_bypass_s,
               &PolicyOptions::swap_max_bypass_s, &PolicyOptions::swap_hold_s,
               &PolicyOptions::swap_min_batch);
}

void add_backend_defaults(std::vector<Change>& changes, std::size_t index) {
  const std::function<BackendSpec&(Scenario&)> backend =
      [index](Scenario& scenario) -> BackendSpec& { return scenario.backends.at(index); };
  add_defaults(changes, backend, &BackendSpec::pool, &BackendSpec::model, &BackendSpec::capacity,
               &BackendSpec::service, &BackendSpec::swap, &BackendSpec::worker);
  changes.emplace_back([=](Scenario& scenario) {
    if (backend(scenario).worker) backend(scenario).worker = WorkerSpec{};
  });
}

/// Whoever called the model calls what is in its place.
void drop_model(Scenario& scenario, std::size_t index, std::size_t model) {
  BackendSpec& backend = scenario.backends.at(index);
  if (model >= backend.models.size()) return;
  const std::string gone = backend.models[model];
  backend.models.erase(backend.models.begin() + static_cast<std::ptrdiff_t>(model));
  if (backend.models.empty()) backend.swap = Duration::zero();
  const std::string& left = backend.models.empty() ? backend.name : backend.models.front();
  for (ClientSpec& client : scenario.clients) {
    if (client.target == gone) client.target = left;
  }
}

void add_model_drops(std::vector<Change>& changes, const Scenario& scenario, std::size_t index) {
  for (std::size_t model = scenario.backends[index].models.size(); model-- > 0;) {
    changes.emplace_back([=](Scenario& changed) { drop_model(changed, index, model); });
  }
}

/// Calls of a frozen client whose sizes are its laws': nothing.
void forget_sizes(ClientSpec& client) {
  if (!is_frozen(client)) return;
  std::vector<TraceRow> rows = *client.arrival.rows;
  for (TraceRow& row : rows) row.tokens_in = row.tokens_out = std::nullopt;
  client.arrival.rows = std::make_shared<const std::vector<TraceRow>>(std::move(rows));
}

/// The same for what its calls know of sessions.
void forget_sessions(ClientSpec& client) {
  client.sessions = 0;
  if (!is_frozen(client)) return;
  std::vector<TraceRow> rows = *client.arrival.rows;
  for (TraceRow& row : rows) row.session.reset();
  client.arrival.rows = std::make_shared<const std::vector<TraceRow>>(std::move(rows));
}

void add_client_defaults(std::vector<Change>& changes, std::size_t index) {
  const std::function<ClientSpec&(Scenario&)> client = [index](Scenario& scenario) -> ClientSpec& {
    return scenario.clients.at(index);
  };
  add_defaults(changes, client, &ClientSpec::queue_wait, &ClientSpec::inference,
               &ClientSpec::declares_size, &ClientSpec::declares_input, &ClientSpec::is_async,
               &ClientSpec::streaming, &ClientSpec::cancel, &ClientSpec::hang_up,
               &ClientSpec::duplicate, &ClientSpec::retry, &ClientSpec::start,
               &ClientSpec::tokens_in, &ClientSpec::tokens_out);
  changes.emplace_back([=](Scenario& scenario) { forget_sizes(client(scenario)); });
  changes.emplace_back([=](Scenario& scenario) { forget_sessions(client(scenario)); });
  for (auto time : {&SlotUse::lease, &SlotUse::renew_every}) {
    changes.emplace_back([=](Scenario& scenario) {
      if (client(scenario).slot) (*client(scenario).slot).*time = Duration::zero();
    });
  }
  changes.emplace_back([=](Scenario& scenario) { client(scenario).owner = client(scenario).name; });
}

/// As large as the law's draws are, or as a small one of them.
void to_constant(Law& law) {
  law = {LawKind::constant, law.low};
}

void add_client_laws(std::vector<Change>& changes, std::size_t index) {
  const auto add = [&](const std::function<void(ClientSpec&)>& simplify) {
    changes.emplace_back([=](Scenario& scenario) { simplify(scenario.clients.at(index)); });
  };
  add([](ClientSpec& client) { to_constant(client.tokens_in); });
  add([](ClientSpec& client) { to_constant(client.tokens_out); });
  add([](ClientSpec& client) {
    const bool is_bursty =
        client.arrival.kind == ArrivalKind::hyperexp || client.arrival.kind == ArrivalKind::on_off;
    if (is_bursty) client.arrival = {ArrivalKind::poisson, client.arrival.gap};
  });
  add([](ClientSpec& client) {
    if (client.arrival.kind == ArrivalKind::poisson) client.arrival.kind = ArrivalKind::constant;
  });
  add([](ClientSpec& client) { to_constant(client.arrival.closed.think); });
  add([](ClientSpec& client) {
    if (client.retry) client.retry->jitter = 0;
  });
  add([](ClientSpec& client) {
    if (client.retry) client.retry->factor = 1;
  });
  for (auto member : {&ClientSpec::cancel, &ClientSpec::hang_up, &ClientSpec::duplicate}) {
    add([member](ClientSpec& client) {
      if (client.*member) to_constant((client.*member)->after);
    });
    add([member](ClientSpec& client) {
      if (client.*member) (client.*member)->percent = 100;
    });
  }
}

}  // namespace

void drop_options(Shrinking& shrinking) {
  const std::function<Scenario&(Scenario&)> whole = [](Scenario& scenario) -> Scenario& {
    return scenario;
  };
  std::vector<Change> changes;
  add_defaults(changes, whole, &Scenario::schedule_seed, &Scenario::seed, &Scenario::gc,
               &Scenario::has_breaker, &Scenario::commit, &Scenario::warmup_tasks, &Scenario::tasks,
               &Scenario::horizon, &Scenario::pools, &Scenario::worker_timeout);
  for (const auto& [name, settings] : shrinking.best().profiles) {
    add_profile_defaults(changes, name);
  }
  for (std::size_t index = 0; index < shrinking.best().backends.size(); ++index) {
    add_backend_defaults(changes, index);
    add_model_drops(changes, shrinking.best(), index);
  }
  for (std::size_t index = 0; index < shrinking.best().clients.size(); ++index) {
    add_client_defaults(changes, index);
  }
  attempt_all(shrinking, changes);
}

void simplify_laws(Shrinking& shrinking) {
  std::vector<Change> changes;
  for (std::size_t index = 0; index < shrinking.best().backends.size(); ++index) {
    changes.emplace_back([index](Scenario& scenario) {
      ServiceLaw& service = scenario.backends.at(index).service;
      service.per_token_in = service.per_token_out = Duration::zero();
    });
    changes.emplace_back(
        [index](Scenario& scenario) { to_constant(scenario.backends.at(index).service.base); });
  }
  for (std::size_t index = 0; index < shrinking.best().clients.size(); ++index) {
    add_client_laws(changes, index);
  }
  attempt_all(shrinking, changes);
}

}  // namespace signalbox::sim
