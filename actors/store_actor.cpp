#include "actors/store_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace signalbox::actors {
namespace {

std::size_t body_bytes(const StoreOp& op) {
  if (const auto* insert = std::get_if<InsertTask>(&op)) {
    return insert->request ? insert->request->size() : 0;
  }
  if (const auto* move = std::get_if<MoveTask>(&op)) {
    return move->response ? move->response->size() : 0;
  }
  return 0;
}

}  // namespace

void StoreState::add(StoreWrite& write) {
  x_bytes += body_bytes(write.op);
  x_ops.push_back(std::move(write.op));
  x_clients.emplace_back(std::move(write.client), write.cookie);
  if (x_ops.size() >= batch_ops_max || x_bytes >= batch_bytes_max) {
    flush();
  } else if (!x_is_flush_due) {
    // Behind everything that is in the mailbox by now.
    x_is_flush_due = true;
    x_self->send(x_self, FlushStore{});
  }
}

void StoreState::flush() {
  if (x_ops.empty()) return;
  auto results = x_store->commit(x_ops);
  SIGNALBOX_ASSERT(results.size() == x_ops.size());
  for (std::size_t index = 0; index < results.size(); ++index) {
    auto& [client, cookie] = x_clients[index];
    if (client) x_self->send(client, StoreAnswer{cookie, std::move(results[index])});
  }
  x_ops.clear();
  x_clients.clear();
  x_bytes = 0;
}

StoreActor::behavior_type StoreState::make_behavior(std::shared_ptr<TaskStore> store) {
  x_store = std::move(store);
  return {
      [this](StoreWrite& write) { add(write); },
      [this](FlushStore) {
        x_is_flush_due = false;
        flush();
      },
  };
}

StoreActor::behavior_type store_actor(StoreActor::stateful_pointer<StoreState> self,
                                      std::shared_ptr<TaskStore> store) {
  return self->state.make_behavior(std::move(store));
}

}  // namespace signalbox::actors
