// How the house's process ends: it dies, or drains and stops; and its disk and clock, which outlive
// it.
#include <caf/send.hpp>

#include "simulations/world/simulated_house.hpp"

namespace signalbox::sim {

void SimulatedHouse::die_after(std::uint64_t messages) {
  if (x_world) x_messages_left = messages;
}

void SimulatedHouse::die_in_commit(std::uint64_t commits, bool is_kept) {
  if (!x_world) return;
  x_is_commit_watched = true;
  x_store->die_in_commit(commits, is_kept);
}

void SimulatedHouse::fail_commits(std::uint64_t commits) {
  x_store->fail_next_commit(make_error(ErrorCode::store_full, "the disk is full"), commits);
}

void SimulatedHouse::slow_disk_down(Duration sync) {
  x_pace->sync = sync;
}

void SimulatedHouse::begin_drain() {
  if (!x_world) return;
  actors::begin_drain(x_house);
  x_is_draining = true;
}

// As the daemon does when its grace is over (cli/serve/daemon.cpp).
void SimulatedHouse::stop() {
  if (!x_world || !x_is_draining || x_is_stopping) return;
  caf::anon_send(x_house.broker, actors::ShelveTasks{});
  run();
  if (!x_world) return;
  if (x_house.metrics) caf::anon_send(x_house.metrics, actors::SaveCalls{});
  x_is_stopping = true;
}

void SimulatedHouse::set_wall_offset(Duration offset) {
  x_wall_offset = offset;
  if (x_world) x_world->set_wall_offset(offset);
}

void SimulatedHouse::die() {
  const bool is_killed = x_messages_left && *x_messages_left == 0;
  const Death death = x_store->is_dead()
                          ? (x_store->is_kept() ? Death::after_commit : Death::before_commit)
                      : is_killed ? Death::between_messages
                                  : Death::in_good_order;
  x_is_dying = true;
  x_store->crash();
  x_now = now();
  x_messages_before += x_world->steps();
  x_caller = nullptr;
  x_house = {};
  for (auto& [name, server] : x_servers) {
    server.actor = nullptr;
    server.worker = nullptr;
  }
  x_world.reset();
  x_is_dying = false;
  x_messages_left.reset();
  x_is_commit_watched = false;
  x_is_draining = false;
  x_is_stopping = false;
  x_pace->waiting = 0;
  x_witness.died(death);
}

void SimulatedHouse::restart(std::map<std::string, ProfileSettings> profiles) {
  SIGNALBOX_ASSERT(!x_world);
  x_store->reopen();
  start(std::move(profiles));
}

}  // namespace signalbox::sim
