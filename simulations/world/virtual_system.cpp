#include "simulations/world/virtual_system.hpp"

#include <algorithm>
#include <caf/logger.hpp>
#include <caf/resumable.hpp>
#include <caf/send.hpp>

namespace signalbox::sim {
namespace {

/// 2026-01-01T00:00:00Z.
constexpr WallTime epoch = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};

class VirtualWallClock final : public WallClock {
 public:
  explicit VirtualWallClock(std::function<Instant()> now) : x_now{std::move(now)} {}
  WallTime now() override {
    return epoch +
           std::chrono::duration_cast<std::chrono::milliseconds>(x_now().time_since_epoch());
  }

 private:
  std::function<Instant()> x_now;
};

class VirtualIds final : public IdSource {
 public:
  VirtualIds(std::uint64_t seed, std::shared_ptr<WallClock> wall)
      : x_sequence{seed}, x_wall{std::move(wall)} {}
  IdBytes next() override { return x_sequence.next(x_wall->now().time_since_epoch().count()); }

 private:
  IdSequence x_sequence;
  std::shared_ptr<WallClock> x_wall;
};

/// Who runs the actors: those that get ready meanwhile stand behind all others.
class Worker final : public caf::execution_unit {
 public:
  Worker(caf::actor_system& system, std::deque<caf::resumable*>& jobs)
      : caf::execution_unit{&system}, x_jobs{jobs} {}
  void exec_later(caf::resumable* job) override { x_jobs.push_back(job); }

 private:
  std::deque<caf::resumable*>& x_jobs;
};

}  // namespace

VirtualSystem::VirtualSystem(VirtualOptions options) {
  x_config.set("scheduler.policy", caf::atom("testing"));
  x_system = std::make_unique<caf::actor_system>(x_config);
  x_scheduler = dynamic_cast<caf::scheduler::test_coordinator*>(&x_system->scheduler());
  SIGNALBOX_ASSERT(x_scheduler != nullptr);
  x_worker = std::make_unique<Worker>(*x_system, x_scheduler->jobs);
  x_scheduler->clock().current_time = std::max(now(), options.start);
  if (options.schedule_seed) x_schedule.emplace(*options.schedule_seed, "schedule");
  x_wall_offset = options.wall_offset;
  x_wall = std::make_shared<VirtualWallClock>([this] { return now() + x_wall_offset; });
  x_ids = std::make_shared<VirtualIds>(options.id_seed, x_wall);
}

VirtualSystem::~VirtualSystem() {
  for (const caf::actor& actor : x_adopted) {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
  x_adopted.clear();
  run();
  // Timers of actors that are gone would keep the coordinator's shutdown busy.
  x_scheduler->clock().cancel_all();
  run();
}

Instant VirtualSystem::now() const {
  return x_scheduler->clock().now();
}

void VirtualSystem::step() {
  auto& jobs = x_scheduler->jobs;
  if (x_schedule && jobs.size() > 1) {
    const auto chosen = static_cast<std::ptrdiff_t>(x_schedule->below(jobs.size()));
    std::rotate(jobs.begin(), jobs.begin() + chosen, jobs.begin() + chosen + 1);
  }
  run_first();
}

void VirtualSystem::run_first() {
  // Nothing is logged, yet with a logger CAF looks up which actor runs, each time, under a lock.
  caf::logger::set_current_actor_system(nullptr);
  // As the coordinator's run_once does, which makes a worker for each message. An actor with more
  // messages stays in front.
  auto& jobs = x_scheduler->jobs;
  caf::resumable* job = jobs.front();
  jobs.pop_front();
  switch (job->resume(x_worker.get(), 1)) {
    case caf::resumable::resume_later:
      jobs.push_front(job);
      break;
    case caf::resumable::awaiting_message:
    case caf::resumable::done:
      caf::intrusive_ptr_release(job);
      break;
    case caf::resumable::shutdown_execution_unit:
      break;
  }
  ++x_steps;
}

void VirtualSystem::run() {
  while (x_scheduler->has_job()) step();
}

void VirtualSystem::run_in_order() {
  while (x_scheduler->has_job()) run_first();
}

void VirtualSystem::run_some(std::uint64_t messages) {
  for (; messages > 0 && x_scheduler->has_job(); --messages) step();
}

std::optional<Instant> VirtualSystem::next_timer() const {
  const auto& schedule = x_scheduler->clock().schedule();
  if (schedule.empty()) return std::nullopt;
  return schedule.begin()->first;
}

void VirtualSystem::run_until(Instant until) {
  run();
  for (auto timer = next_timer(); timer && *timer <= until; timer = next_timer()) {
    x_scheduler->trigger_timeout();
    run();
  }
  if (now() < until) x_scheduler->clock().current_time = until;
}

bool VirtualSystem::run_next_timer() {
  run();
  if (!next_timer()) return false;
  x_scheduler->trigger_timeout();
  run();
  return true;
}

bool VirtualSystem::run_dry(Instant most) {
  run();
  for (auto timer = next_timer(); timer; timer = next_timer()) {
    if (*timer > most) return false;
    x_scheduler->trigger_timeout();
    run();
  }
  return true;
}

}  // namespace signalbox::sim
