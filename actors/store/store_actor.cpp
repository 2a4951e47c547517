#include "actors/store/store_actor.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <iterator>

#include "actors/messages/sent.hpp"
#include "core/base/crash_point.hpp"

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

/// @returns whether the whole of it was refused for want of room, though it has more than new
/// tasks and call rows: those are refused one by one, the tasks to be sent again by their callers.
bool is_worth_halving(std::span<const StoreOp> ops, const std::vector<StoreResult>& results) {
  if (ops.size() < 2) return false;
  const bool is_all_new = std::all_of(ops.begin(), ops.end(), [](const StoreOp& op) {
    return std::holds_alternative<InsertTask>(op) || std::holds_alternative<PutCallRows>(op);
  });
  return !is_all_new && std::all_of(results.begin(), results.end(), [](const StoreResult& result) {
    return result.outcome == StoreResult::Outcome::failed &&
           result.error.code == ErrorCode::store_full;
  });
}

}  // namespace

void StoreState::add(StoreWrite& write) {
  x_bytes += body_bytes(write.op);
  count_open_tasks(write.op);
  x_ops.push_back(std::move(write.op));
  x_clients.emplace_back(std::move(write.client), write.cookie);
  const bool is_gathering = x_rule.is_on && x_open_tasks >= x_rule.open_tasks_min &&
                            x_last_batch >= x_rule.last_batch_min;
  const bool is_full = x_ops.size() >= batch_ops_max || x_bytes >= batch_bytes_max;
  if (is_full || x_rule.is_immediate || (is_gathering && x_ops.size() >= x_rule.ops_wanted)) {
    flush();
  } else {
    flush_later(x_ops.back(), is_gathering);
  }
}

void StoreState::flush_later(const StoreOp& op, bool is_gathering) {
  if (x_is_flush_due) return;
  if (std::holds_alternative<PutCallRows>(op)) {
    if (x_is_late_flush_due) return;
    x_is_late_flush_due = true;
    x_self->delayed_send(x_self, call_rows_patience, FlushStore{true});
    return;
  }
  x_is_flush_due = true;
  // Behind everything that is in the mailbox by now, or a little later.
  if (is_gathering) {
    x_self->delayed_send(x_self, x_rule.longest, FlushStore{});
  } else {
    x_self->send(x_self, FlushStore{});
  }
}

void StoreState::count_open_tasks(const StoreOp& op) {
  if (std::holds_alternative<InsertTask>(op)) ++x_open_tasks;
  const auto* move = std::get_if<MoveTask>(&op);
  if (move != nullptr && is_terminal(move->to) && x_open_tasks > 0) --x_open_tasks;
}

std::vector<StoreResult> StoreState::commit(std::span<const StoreOp> ops, unsigned halvings_left) {
  auto results = x_store->commit(ops);
  SIGNALBOX_ASSERT(results.size() == ops.size());
  if (halvings_left == 0 || !is_worth_halving(ops, results)) return results;
  const std::size_t half = ops.size() / 2;
  results = commit(ops.first(half), halvings_left - 1);
  auto rest = commit(ops.subspan(half), halvings_left - 1);
  std::move(rest.begin(), rest.end(), std::back_inserter(results));
  return results;
}

void StoreState::flush() {
  if (x_ops.empty()) return;
  crash_point("store.before_commit");
  const Instant began = x_self->clock().now();
  auto results = commit(x_ops, batch_halvings_max);
  if (x_metrics) x_self->send(x_metrics, CommitMeasured{x_self->clock().now() - began});
  crash_point("store.after_commit");
  for (std::size_t index = 0; index < results.size(); ++index) {
    auto& [client, cookie] = x_clients[index];
    if (client) x_self->send(client, StoreAnswer{cookie, std::move(results[index])});
  }
  x_last_batch = x_ops.size();
  x_ops.clear();
  x_clients.clear();
  x_bytes = 0;
}

StoreActor::behavior_type StoreState::make_behavior(std::shared_ptr<TaskStore> store,
                                                    GatherRule rule) {
  x_store = std::move(store);
  x_rule = rule;
  return {
      sent([this](StoreWrite& write) { add(write); }),
      [this](const FlushStore& message) {
        (message.is_late ? x_is_late_flush_due : x_is_flush_due) = false;
        flush();
      },
      [this](MeasureCommits& message) { x_metrics = std::move(message.metrics); },
  };
}

StoreActor::behavior_type store_actor(StoreActor::stateful_pointer<StoreState> self,
                                      std::shared_ptr<TaskStore> store, GatherRule rule) {
  return self->state.make_behavior(std::move(store), rule);
}

}  // namespace signalbox::actors
