// What the broker does for pools: keep what was set for them over restarts, and tell the directory,
// which does the choosing.
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/broker/broker_actor.hpp"

namespace signalbox::actors {
namespace {

/// Documents of this kind hold the word of a pool's choice, set by API.
constexpr const char* pool_documents = "pool";

}  // namespace

// The configuration wins over what the API once said; what it said of other pools lives on.
void BrokerState::restore_pools() {
  SetChoices choices;
  if (x_settings.default_choice != ChoiceKind::least_loaded) {
    choices.default_choice = x_settings.default_choice;
  }
  choices.pools = x_settings.pools;
  const auto documents = x_ports.store->documents(pool_documents);
  if (documents.has_value()) {
    for (const auto& [pool, word] : *documents) {
      if (const auto choice = parse_choice(word)) choices.pools.emplace(pool, *choice);
    }
  }
  for (const auto& [pool, choice] : choices.pools) x_pools.insert(pool);
  if (choices.default_choice || !choices.pools.empty()) {
    x_self->send(x_house->directory, std::move(choices));
  }
}

caf::result<Done> BrokerState::configure_pool(const ConfigurePool& message) {
  if (!x_pools.contains(message.name) && x_pools.size() >= pools_max) {
    return Done{invalid_request(
        "there are " + std::to_string(pools_max) + " pools with a choice of their own", "name")};
  }
  x_pools.insert(message.name);
  // In force at once; answered when it will survive a restart, too.
  x_self->send(x_house->directory, SetChoices{{}, {{message.name, message.choice}}});
  auto promise = x_self->make_response_promise<Done>();
  store_document(PutDocument{pool_documents, message.name, std::string{to_string(message.choice)}},
                 [promise](const StoreResult& result) mutable {
                   const bool has_failed = result.outcome == StoreResult::Outcome::failed;
                   promise.deliver(has_failed ? Done{result.error} : Done{});
                 });
  return promise;
}

void BrokerState::apply_pools(const ApplyPools& message) {
  for (const auto& [pool, choice] : message.pools) x_pools.insert(pool);
  x_self->send(x_house->directory, SetChoices{message.default_choice, message.pools});
}

}  // namespace signalbox::actors
