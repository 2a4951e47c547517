#include "tests/core/policy_world.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {

using namespace std::chrono_literals;

namespace {

const std::string group = "gpu";

OwnerIndex number_of_owner(const std::string& owner) {
  return owner.empty() ? 0 : static_cast<OwnerIndex>(owner[0] - 'k');
}

TargetIndex number_of_target(const std::string& target) {
  return static_cast<TargetIndex>(target[0] - 'a');
}

}  // namespace

ProfileSettings policy_settings(const std::string& policy, std::uint32_t slots,
                                const PolicyOptions& options) {
  ProfileSettings settings;
  settings.max_concurrent = slots;
  settings.max_queued = 100'000;
  settings.policy = policy;
  settings.policy_options = options;
  return settings;
}

PolicyWorld::PolicyWorld(ProfileSettings settings, std::uint64_t seed, PolicyWorldOptions options,
                         PolicyOracle oracle)
    : x_options{options},
      x_oracle{std::move(oracle)},
      x_random{seed},
      x_usage_random{options.usage_seed},
      x_scheduler{"p", std::move(settings)} {
  for (std::size_t index = 0; index < options.targets; ++index) {
    const std::string target(1, static_cast<char>('a' + index));
    x_scheduler.set_capacity(target, {{group, options.slots}});
  }
}

std::string PolicyWorld::step() {
  const std::uint64_t dice = below(100);
  x_now += std::chrono::milliseconds{below(2000)};
  if (dice < 48) {
    if (x_waiting.size() < x_options.waiting_max) submit();
  } else if (dice < 92) {
    end_one();
  } else if (dice < 96) {
    cancel();
  } else {
    requeue();
  }
  pump();
  check_quiet();
  return x_fault;
}

std::string PolicyWorld::drain() {
  while (x_fault.empty() && !x_running.empty()) {
    x_now += 500ms;
    end_one();
    pump();
    check_quiet();
  }
  if (!x_waiting.empty()) fail("somebody never got a slot");
  return x_fault;
}

void PolicyWorld::reconfigure(ProfileSettings settings) {
  x_scheduler.reconfigure(std::move(settings));
  pump();
  check_quiet();
}

void PolicyWorld::submit() {
  KnownCall call;
  call.request.id = task_id(x_next);
  call.request.priority = all_priorities[below(priority_count)];
  call.request.target = std::string(1, static_cast<char>('a' + below(x_options.targets)));
  call.request.owner = std::string(1, static_cast<char>('k' + below(x_options.owners)));
  call.request.size.tokens_in = static_cast<std::uint32_t>(below(200));
  if (below(4) > 0) {
    call.request.size.tokens_out_max = static_cast<std::uint32_t>(1 + below(500));
  }
  call.sequence = x_next++;
  call.enqueued_at = x_now;
  call.predicted_out = predict(call.request);
  if (x_scheduler.reserve(call.request, x_now)) return fail("refused below its bound");
  x_scheduler.enqueue(call.request.id);
  if (x_oracle.enters) x_oracle.enters(call, x_waiting);
  x_waiting.push_back(call);
}

std::uint32_t PolicyWorld::predict(const WaiterRequest& request) const {
  return x_predictor.predict(number_of_owner(request.owner), number_of_target(request.target),
                             request.size);
}

void PolicyWorld::end_one() {
  if (x_running.empty()) return;
  const auto place = x_running.begin() + static_cast<std::ptrdiff_t>(below(x_running.size()));
  const KnownCall call = place->call;
  x_running.erase(place);
  TokenUsage usage;
  const std::array drawn{x_same_usage_random() % 600, x_usage_random() % 600};
  const auto tokens_out = static_cast<std::uint32_t>(drawn[x_ends++ < x_options.same_ends ? 0 : 1]);
  if (x_options.reports_usage) {
    usage = {call.request.size.tokens_in + 1, tokens_out};
    x_predictor.learn(number_of_owner(call.request.owner), number_of_target(call.request.target),
                      call.request.size, tokens_out);
  }
  if (!x_scheduler.remove(call.request.id, x_now, usage)) fail("its slot was not its own");
  if (x_oracle.ended) x_oracle.ended(call, usage);
}

void PolicyWorld::cancel() {
  if (x_waiting.empty()) return;
  const auto place = x_waiting.begin() + static_cast<std::ptrdiff_t>(below(x_waiting.size()));
  const KnownCall call = *place;
  x_waiting.erase(place);
  if (!x_scheduler.remove(call.request.id, x_now)) fail("a waiter was not there");
  if (x_oracle.leaves) x_oracle.leaves(call, false);
}

void PolicyWorld::requeue() {
  if (x_running.empty()) return;
  const auto place = x_running.begin() + static_cast<std::ptrdiff_t>(below(x_running.size()));
  KnownCall call = place->call;
  x_running.erase(place);
  if (!x_scheduler.requeue(call.request.id, 0s, x_now)) fail("its slot was not its own");
  if (x_oracle.ended) x_oracle.ended(call, {0, 0});
  call.predicted_out = predict(call.request);
  if (x_oracle.enters) x_oracle.enters(call, x_waiting);
  x_waiting.push_back(call);
}

bool PolicyWorld::may_start(Priority priority) const {
  const ProfileSettings& settings = x_scheduler.settings();
  const std::uint32_t slots = settings.max_concurrent.value();
  if (x_running.size() >= slots) return false;
  if (settings.policy != "strict" || priority == Priority::interactive) return true;
  const auto lower = std::count_if(x_running.begin(), x_running.end(), [](const Running& each) {
    return each.call.request.priority != Priority::interactive;
  });
  return static_cast<std::uint64_t>(lower) + settings.policy_options.reserve_interactive < slots;
}

std::vector<KnownCall> PolicyWorld::startable() const {
  std::vector<KnownCall> found;
  for (const KnownCall& call : x_waiting) {
    if (may_start(call.request.priority)) found.push_back(call);
  }
  return found;
}

// As the profile's actor does: every answer is followed by another look at what to ask for.
void PolicyWorld::pump() {
  std::vector<AskForLease> asks;
  std::vector<Grant> grants;
  do {
    asks = x_scheduler.asks(x_now);
    std::vector<Lease> unused;
    grants = x_scheduler.settle(x_now, unused);
    if (!asks.empty() && !grants.empty()) fail("granted while a question is open");
    for (Grant& grant : grants) take(grant);
    if (!unused.empty()) fail("a lease was asked for that nobody could use");
    for (const AskForLease& ask : asks) {
      Lease lease;
      lease.llm = "llm " + ask.target;
      lease.group = group;
      lease.number = x_next_lease++;
      x_scheduler.lease_granted(ask.target, lease);
    }
  } while (!grants.empty() || !asks.empty());
}

void PolicyWorld::take(Grant& grant) {
  const auto place = std::find_if(x_waiting.begin(), x_waiting.end(), [&](const KnownCall& call) {
    return call.request.id == grant.id;
  });
  if (place == x_waiting.end()) return fail("granted to one who does not wait");
  const auto could = startable();
  const auto is_he = [&](const KnownCall& call) { return call.request.id == grant.id; };
  if (std::none_of(could.begin(), could.end(), is_he)) fail("granted past the slots of its class");
  if (x_oracle.pick && x_fault.empty()) {
    const KnownCall& wanted = could[x_oracle.pick(could, x_now)];
    if (wanted.request.id != grant.id) {
      fail("granted number " + std::to_string(place->sequence) + ", the oracle wants number " +
           std::to_string(wanted.sequence));
    }
  }
  if (grant.lease.llm != "llm " + place->request.target) fail("granted with another's lease");
  x_longest_wait = std::max(x_longest_wait, x_now - place->enqueued_at);
  const KnownCall call = *place;
  x_waiting.erase(place);
  x_granted.push_back(grant.id);
  if (x_oracle.leaves) x_oracle.leaves(call, true);
  x_running.push_back({call, std::move(grant.lease)});
}

void PolicyWorld::check_quiet() {
  const Occupancy occupancy = x_scheduler.occupancy();
  if (occupancy.in_flight != x_running.size()) fail("slots in use are miscounted");
  for (const Priority priority : all_priorities) {
    const auto waiting = static_cast<std::size_t>(
        std::count_if(x_waiting.begin(), x_waiting.end(),
                      [&](const KnownCall& call) { return call.request.priority == priority; }));
    if (occupancy.waiting[to_index(priority)] != waiting) fail("a waiter was lost or doubled");
  }
  if (!startable().empty()) fail("a slot stays free beside one who could start");
}

void walk_policy(const ProfileSettings& settings, const PolicyWorldOptions& options,
                 const std::function<PolicyOracle()>& oracle, std::uint64_t seeds,
                 std::size_t steps) {
  std::size_t grants = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    PolicyWorld world{settings, seed, options, oracle ? oracle() : PolicyOracle{}};
    std::string fault;
    for (std::size_t step = 0; step < steps && fault.empty(); ++step) fault = world.step();
    if (fault.empty()) fault = world.drain();
    INFO("policy " << settings.policy << ", seed " << seed);
    REQUIRE(fault.empty());
    grants += world.granted().size();
  }
  // A world in which little happens would prove nothing.
  CHECK(grants > seeds * steps / 5);
}

}  // namespace signalbox::test
