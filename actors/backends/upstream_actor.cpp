#include "actors/backends/upstream_actor.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace signalbox::actors {
namespace {

// llama.cpp does not notice a hang-up while it is polled more than once a second: stay well below
// that.
constexpr std::chrono::seconds interval_when_up{15};
constexpr std::chrono::seconds interval_when_down{2};
/// Servers on well-known ports that nobody configured are not worth more.
constexpr std::chrono::seconds interval_when_absent{5};

std::string type_word(config::UpstreamType type) {
  switch (type) {
    case config::UpstreamType::openai:
      return "openai";
    case config::UpstreamType::lmstudio:
      return "lmstudio";
    case config::UpstreamType::llamacpp:
      return "llamacpp";
    case config::UpstreamType::ollama:
      return "ollama";
    case config::UpstreamType::vllm:
      return "vllm";
  }
  return "openai";
}

}  // namespace

void UpstreamState::run(const RunTask& message) {
  x_calls.run(x_setup.backend, message, [self = UpstreamActor{x_self}](const CallEnded& ended) {
    caf::anon_send(self, ended);
  });
}

void UpstreamState::ask_for_models() {
  x_setup.backend->list_models(
      [self = UpstreamActor{x_self}](Result<std::vector<BackendModel>> models) {
        caf::anon_send(self, ModelsListed{std::move(models)});
      });
}

void UpstreamState::ask_again_in(Duration delay) {
  x_self->delayed_send(x_self, delay, HealthTick{++x_tick_generation});
}

std::vector<Llm> UpstreamState::make_llms(const std::vector<std::string>& models) const {
  if (x_setup.offered) {
    Llm offered = *x_setup.offered;
    offered.status = x_status;
    return {std::move(offered)};
  }
  const auto& settings = x_setup.settings;
  // One configured model is the upstream itself; several, or found ones, go by their own ids.
  const bool is_single = !settings.discover && models.size() == 1;
  std::vector<Llm> llms;
  for (const std::string& model : models) {
    Llm llm;
    llm.name = is_single ? settings.name : model;
    llm.qualified_name = settings.name + "/" + model;
    if (!is_valid_name(llm.name)) continue;
    llm.kind = LlmKind::upstream;
    llm.type = type_word(settings.type);
    llm.model = model;
    llm.tier = settings.tier;
    llm.pool = settings.pool;
    llm.status = x_status;
    llm.capacity = settings.capacity.value_or(1);
    llm.group = "upstream " + settings.name;
    llm.url = settings.url;
    llms.push_back(std::move(llm));
  }
  return llms;
}

void UpstreamState::set_status(LlmStatus status) {
  if (x_status == status) return;
  x_status = status;
  x_self->send(x_setup.directory, SetBackendStatus{x_setup.id, status});
}

void UpstreamState::models_listed(const ModelsListed& message) {
  const bool is_down =
      message.models.has_error() && message.models.error().code == ErrorCode::backend_unreachable;
  std::vector<std::string> models = x_setup.settings.models;
  if (x_setup.settings.discover) {
    if (message.models.has_error())
      models = x_models;
    else
      for (const auto& model : *message.models) models.push_back(model.id);
  }
  std::sort(models.begin(), models.end());
  models.erase(std::unique(models.begin(), models.end()), models.end());
  // A server that we have filled ourselves may be too busy to take one more connection; a plugin
  // that says so does not come back from its calls.
  const bool counts_as_down = is_down && (x_setup.offered || x_calls.empty());
  const LlmStatus status = counts_as_down ? LlmStatus::inactive : LlmStatus::active;
  if (!x_is_known || models != x_models) {
    x_status = status;
    x_models = std::move(models);
    x_self->send(x_setup.directory, PutLlms{x_setup.id, x_self, make_llms(x_models)});
  } else {
    set_status(status);
  }
  if (!x_is_known && x_setup.on_first_answer) x_setup.on_first_answer();
  x_is_known = true;
  if (status == LlmStatus::active) {
    ask_again_in(interval_when_up);
  } else {
    ask_again_in(x_setup.settings.well_known ? interval_when_absent : interval_when_down);
  }
}

UpstreamActor::behavior_type UpstreamState::make_behavior(UpstreamSetup setup) {
  x_setup = std::move(setup);
  ask_for_models();
  return {
      [this](const RunTask& message) { run(message); },
      [this](const AbortTask& message) { x_calls.abort(message); },
      [](const WakeLlm&) {},
      [](const LlmTaken&) {},
      [this](const HealthTick& message) {
        if (message.generation == x_tick_generation) ask_for_models();
      },
      [this](const ModelsListed& message) { models_listed(message); },
      [this](const CallEnded& message) {
        x_calls.forget(message);
        if (!message.is_unreachable) {
          set_status(LlmStatus::active);
        } else if (x_status == LlmStatus::active) {
          set_status(LlmStatus::inactive);
          ask_again_in(interval_when_down);
        }
      },
  };
}

UpstreamActor::behavior_type upstream_actor(UpstreamActor::stateful_pointer<UpstreamState> self,
                                            UpstreamSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
