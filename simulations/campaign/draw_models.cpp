#include "simulations/campaign/draw_models.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace signalbox::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t models_max = 3;

/// Models of a pool are one to their callers, and a worker says itself what it has.
bool may_have_models(const BackendSpec& server) {
  return server.pool.empty() && server.model.empty() && !server.worker;
}

void give_models(Scenario& scenario, BackendSpec& server, RandomStream& random) {
  const std::uint64_t count = 2 + random.below(models_max - 1);
  for (std::uint64_t number = 0; number < count; ++number) {
    server.models.push_back(server.name + "-model" + std::to_string(number));
  }
  server.swap = std::array<Duration, 4>{0ms, 50ms, 200ms, 1s}[random.below(4)];
  for (ClientSpec& client : scenario.clients) {
    if (client.target == server.name) client.target = server.models[random.below(count)];
  }
}

/// Without others who want the room, models would not meet.
void add_rivals(Scenario& scenario, RandomStream& random) {
  const std::size_t count = scenario.clients.size();
  for (std::size_t index = 0; index < count; ++index) {
    const auto server = std::find_if(
        scenario.backends.begin(), scenario.backends.end(), [&](const BackendSpec& each) {
          const auto& models = each.models;
          return std::find(models.begin(), models.end(), scenario.clients[index].target) !=
                 models.end();
        });
    if (server == scenario.backends.end() || random.below(2) == 0) continue;
    ClientSpec rival = scenario.clients[index];
    rival.name += "-rival";
    rival.priority = all_priorities[random.below(priority_count)];
    rival.target = server->models[random.below(server->models.size())];
    scenario.clients.push_back(std::move(rival));
  }
}

}  // namespace

void draw_models(Scenario& scenario, RandomStream& random) {
  if (random.below(100) >= 40) return;
  for (BackendSpec& server : scenario.backends) {
    const bool has_models = random.below(100) < 60;
    if (has_models && may_have_models(server)) give_models(scenario, server, random);
  }
  add_rivals(scenario, random);
}

}  // namespace signalbox::sim
