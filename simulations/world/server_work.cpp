#include "simulations/world/server_work.hpp"

#include <fmt/format.h>

namespace signalbox::sim {

std::vector<Llm> llms_of(const BackendSpec& backend, std::uint32_t capacity) {
  Llm llm;
  llm.name = backend.name;
  llm.model = backend.model.empty() ? backend.name : backend.model;
  llm.kind = LlmKind::plugin;
  llm.type = "simulated";
  llm.pool = backend.pool;
  llm.capacity = capacity;
  llm.group = backend.name;
  llm.status = LlmStatus::active;
  if (backend.models.empty()) return {llm};
  std::vector<Llm> llms;
  for (const std::string& model : backend.models) {
    llm.name = model;
    llm.model = model;
    llms.push_back(llm);
  }
  return llms;
}

Duration ServerWork::begin(const std::string& model, const CallSize& size) {
  const Duration work = x_backend->service.draw(size);
  if (x_backend->models.empty() || model == x_loaded) return work;
  x_loaded = model;
  ++x_swaps;
  return work + x_backend->swap;
}

void say_usage(actors::Playback& playback, std::uint64_t tokens_in, std::uint64_t tokens_out) {
  for (auto& step : playback.steps) {
    auto* finished = std::get_if<BackendFinished>(&step.event);
    if (finished == nullptr || finished->tail != nullptr) continue;
    finished->body = make_bytes(fmt::format(
        R"({{"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}})", tokens_in, tokens_out));
  }
}

}  // namespace signalbox::sim
