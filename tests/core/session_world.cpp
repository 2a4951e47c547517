#include "tests/core/session_world.hpp"

#include <algorithm>
#include <set>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {

using namespace std::chrono_literals;

namespace {

constexpr std::array<std::uint32_t, 4> capacities{1, 2, 2, 3};
const std::string pool = "pool";

/// A call may be sent to it beside sound ones. While nothing runs on it, no probe is out.
bool admits(const Llm& llm) {
  return llm.breaker == BreakerState::closed ||
         (llm.breaker == BreakerState::half_open && llm.running == 0);
}

}  // namespace

SessionWorld::SessionWorld(std::uint64_t seed, ChoiceKind choice, std::size_t session_count)
    : x_random{seed}, x_choice{choice}, x_session_count{session_count} {
  x_book.set_choice(pool, choice);
  for (std::size_t index = 0; index < capacities.size(); ++index) {
    Llm llm;
    llm.name = std::string{"backend "} + static_cast<char>('a' + index);
    llm.group = "group of " + llm.name;
    llm.pool = pool;
    llm.capacity = capacities[index];
    llm.status = LlmStatus::active;
    llm.executor = static_cast<ExecutorId>(index + 1);
    x_backends.push_back(llm);
    x_book.put_llms(llm.executor, {llm});
  }
  for (const std::uint32_t slots : {3U, 8U}) {
    ProfileSettings settings;
    settings.max_concurrent = slots;
    settings.max_queued = 1000;
    x_profiles.push_back(
        {ProfileScheduler{"p" + std::to_string(slots), std::move(settings)}, {}, {}});
  }
}

std::string SessionWorld::step() {
  const std::uint64_t dice = below(100);
  if (dice < 22) {
    submit();
  } else if (dice < 25) {
    cancel();
  } else if (dice < 42) {
    end_one(LeaseOutcome::succeeded);
  } else if (dice < 45) {
    end_one(below(2) == 0 ? LeaseOutcome::failed : LeaseOutcome::untold);
  } else if (dice < 46) {
    x_failing = below(capacities.size() + 1);
  } else if (dice < 47) {
    change_backend();
  } else if (dice < 49) {
    pass_time(std::chrono::seconds{below(10) == 0 ? 30 : below(8)});
  } else if (dice < 60) {
    deliver_all();
    check_quiet();
  } else {
    deliver_one(below(x_profiles.size()), below(2) == 0);
  }
  return x_fault;
}

std::string SessionWorld::finish() {
  for (Llm& llm : x_backends) {
    llm.status = LlmStatus::active;
    x_book.put_llms(llm.executor, {llm});
    serve_line();
  }
  deliver_all();
  // Each round ends all that run; at least one starts in each.
  for (std::size_t rounds = x_waiters.size() + 1; rounds > 0 && x_fault.empty(); --rounds) {
    check_quiet();
    while (!x_running.empty()) end_one(LeaseOutcome::succeeded);
    deliver_all();
  }
  if (!x_waiters.empty()) fail(std::to_string(x_waiters.size()) + " wait for ever");
  if (x_book.running_total() != x_running.size()) fail("a lease is lost");
  return x_fault;
}

void SessionWorld::submit() {
  Waiter waiter;
  waiter.profile = below(x_profiles.size());
  waiter.id = task_id(x_next_task++);
  waiter.priority = all_priorities[below(3)];
  if (x_session_count > 0 && below(4) != 0) {
    waiter.session = "s" + std::to_string(below(x_session_count));
  }
  WaiterRequest request;
  request.id = waiter.id;
  request.priority = waiter.priority;
  request.target = pool;
  ProfileScheduler& scheduler = x_profiles[waiter.profile].scheduler;
  if (scheduler.reserve(request, x_now, waiter.session)) return;
  x_waiters.push_back(waiter);
  scheduler.enqueue(waiter.id);
  pump(waiter.profile);
}

void SessionWorld::cancel() {
  if (x_waiters.empty()) return;
  const auto place = x_waiters.begin() + static_cast<std::ptrdiff_t>(below(x_waiters.size()));
  const Waiter waiter = *place;
  x_waiters.erase(place);
  ++x_counts.cancels;
  if (!x_profiles[waiter.profile].scheduler.remove(waiter.id, x_now)) fail("unknown waiter");
  pump(waiter.profile);
}

void SessionWorld::end_one(LeaseOutcome outcome) {
  if (x_running.empty()) return;
  const auto place = x_running.begin() + static_cast<std::ptrdiff_t>(below(x_running.size()));
  Running running = std::move(*place);
  x_running.erase(place);
  const bool is_failing =
      x_failing < x_backends.size() && running.lease.llm == x_backends[x_failing].name;
  if (is_failing && outcome == LeaseOutcome::succeeded) outcome = LeaseOutcome::failed;
  Profile& profile = x_profiles[running.profile];
  profile.sent.emplace_back(Release{std::move(running.lease), outcome});
  profile.scheduler.remove(running.id, x_now);
  pump(running.profile);
}

void SessionWorld::change_backend() {
  Llm& llm = x_backends[below(x_backends.size())];
  llm.status = llm.status == LlmStatus::active ? LlmStatus::inactive : LlmStatus::active;
  x_book.set_status(llm.executor, llm.status, WallTime{1ms});
  serve_line();
}

// As the directory's actor: it looks again when a probe is due, and only then.
void SessionWorld::pass_time(Duration duration) {
  const auto due = x_book.next_serve_at();
  x_now += duration;
  x_book.pass_time(x_now);
  if (due && *due <= x_now) serve_line();
}

bool SessionWorld::deliver_one(std::size_t index, bool to_directory) {
  Profile& profile = x_profiles[index];
  if (to_directory) {
    if (profile.sent.empty()) return false;
    const ToDirectory message = std::move(profile.sent.front());
    profile.sent.pop_front();
    if (const auto* request = std::get_if<LeaseRequest>(&message)) {
      auto lease = x_book.acquire(*request);
      if (lease) note_lease(*lease);
      if (lease) {
        profile.inbox.emplace_back(Granted{std::move(*lease)});
      } else {
        profile.inbox.emplace_back(Parked{});
      }
    } else {
      const auto& release = std::get<Release>(message);
      --x_load[release.lease.llm];
      x_book.release(release.lease, release.outcome);
      serve_line();
    }
    return true;
  }
  if (profile.inbox.empty()) return false;
  ToProfile message = std::move(profile.inbox.front());
  profile.inbox.pop_front();
  if (auto* granted = std::get_if<Granted>(&message)) {
    profile.scheduler.lease_granted(pool, std::move(granted->lease));
  } else {
    profile.scheduler.lease_parked(pool, true);
  }
  pump(index);
  return true;
}

void SessionWorld::deliver_all() {
  for (int messages = 0; messages < 100'000; ++messages) {
    bool has_delivered = false;
    for (std::size_t index = 0; index < x_profiles.size(); ++index) {
      has_delivered = deliver_one(index, true) || has_delivered;
      has_delivered = deliver_one(index, false) || has_delivered;
    }
    if (!has_delivered) return;
  }
  fail("messages do not come to an end");
}

void SessionWorld::serve_line() {
  for (LeaseGrant& grant : x_book.serve_line()) {
    note_lease(grant.lease);
    const std::size_t index = grant.requester == x_profiles[0].scheduler.name() ? 0 : 1;
    x_profiles[index].inbox.emplace_back(Granted{std::move(grant.lease)});
  }
}

bool SessionWorld::is_there(const std::string& llm) const {
  const RoutingTable table = x_book.table();
  const Llm* found = table.find(llm);
  return found != nullptr && found->is_present() && found->breaker == BreakerState::closed;
}

bool SessionWorld::is_full(const std::string& llm) const {
  const auto backend = std::find_if(x_backends.begin(), x_backends.end(),
                                    [&](const Llm& each) { return each.name == llm; });
  const auto load = x_load.find(llm);
  return load != x_load.end() && load->second >= backend->capacity;
}

void SessionWorld::note_lease(const Lease& lease) {
  const auto backend = std::find_if(x_backends.begin(), x_backends.end(),
                                    [&](const Llm& each) { return each.name == lease.llm; });
  if (++x_load[lease.llm] > backend->capacity) fail("more leases than " + lease.llm + " can take");
  if (backend->status != LlmStatus::active) fail("a lease on one that is not there");
  if (x_choice != ChoiceKind::affinity) {
    if (lease.session) fail("a lease for one session where sessions do not count");
    return;
  }
  if (!lease.session) return fail("a lease for anybody where sessions count");
  if (lease.session->empty()) return;
  const auto bound = x_bound.find(*lease.session);
  if (bound != x_bound.end() && bound->second != lease.llm && is_there(bound->second) &&
      is_full(bound->second)) {
    ++x_counts.overflowed;
    return;
  }
  if (bound != x_bound.end() && bound->second != lease.llm) {
    ++x_counts.moved;
    if (is_there(bound->second))
      fail(*lease.session + " left " + bound->second + " which is there");
  } else if (bound != x_bound.end()) {
    ++x_counts.kept;
  }
  x_bound[*lease.session] = lease.llm;
}

void SessionWorld::pump(std::size_t index) {
  Profile& profile = x_profiles[index];
  std::vector<Grant> grants;
  do {
    for (AskForLease& ask : profile.scheduler.asks(x_now)) {
      LeaseRequest request;
      request.requester = profile.scheduler.name();
      request.target = std::move(ask.target);
      request.priority = ask.priority;
      request.sessions = std::move(ask.sessions);
      profile.sent.emplace_back(std::move(request));
    }
    std::vector<Lease> unused;
    grants = profile.scheduler.settle(x_now, unused);
    for (Grant& grant : grants) take_grant(index, grant);
    for (Lease& lease : unused) {
      ++x_counts.unused;
      profile.sent.emplace_back(Release{std::move(lease), LeaseOutcome::untold});
    }
  } while (!grants.empty());
  const Occupancy occupancy = profile.scheduler.occupancy();
  if (occupancy.in_flight > occupancy.slots) fail("more in flight than there are slots");
}

void SessionWorld::take_grant(std::size_t index, Grant& grant) {
  const auto place = std::find_if(x_waiters.begin(), x_waiters.end(),
                                  [&](const Waiter& each) { return each.id == grant.id; });
  if (place == x_waiters.end()) return fail("granted to one who does not wait");
  const bool fits = !grant.lease.session || *grant.lease.session == place->session;
  if (place->profile != index || !fits) fail("granted another's lease");
  for (auto other = x_waiters.begin(); other != x_waiters.end(); ++other) {
    const bool is_rival = other->profile == index &&
                          (other->session == place->session || x_choice != ChoiceKind::affinity);
    if (!is_rival || other->priority > place->priority) continue;
    if (other->priority < place->priority || other < place) fail("overtook one of its own");
  }
  ++x_counts.grants;
  x_running.push_back({index, grant.id, std::move(grant.lease)});
  x_waiters.erase(place);
}

// Nothing is under way: whoever waits has no slot, or no backend that he may use has room.
void SessionWorld::check_quiet() {
  const RoutingTable table = x_book.table();
  const bool has_sound = std::any_of(table.llms.begin(), table.llms.end(), [](const Llm& llm) {
    return llm.is_present() && llm.breaker == BreakerState::closed;
  });
  x_counts.broken += std::any_of(table.llms.begin(), table.llms.end(),
                                 [](const Llm& llm) { return llm.breaker == BreakerState::open; });
  for (const Waiter& waiter : x_waiters) {
    const Occupancy occupancy = x_profiles[waiter.profile].scheduler.occupancy();
    if (occupancy.in_flight >= occupancy.slots) continue;
    const auto bound = x_bound.find(waiter.session);
    const bool counts = x_choice == ChoiceKind::affinity && !waiter.session.empty();
    // One that is half-open and full of earlier calls is waited for as well.
    const Llm* home = counts && bound != x_bound.end() ? table.find(bound->second) : nullptr;
    const bool is_bound =
        home != nullptr && home->is_present() && home->breaker != BreakerState::open;
    for (const Llm& llm : table.llms) {
      const bool has_room = llm.is_present() && llm.running < llm.capacity;
      if (!has_room || (has_sound && !admits(llm))) continue;
      // Where all are broken a session keeps to its own as well.
      const bool may_keep = counts && !has_sound && bound != x_bound.end();
      if ((is_bound && llm.name != bound->second) || may_keep) {
        ++x_counts.waits_for_own;
        continue;
      }
      fail(waiter.session + " waits beside a free slot and " + llm.name);
    }
  }
}

}  // namespace signalbox::test
