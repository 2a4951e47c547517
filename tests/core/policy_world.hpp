// A profile and the backends behind it, under a policy: calls come, run, end, are cancelled and
// come back from their slots by chance. After each step it is looked at whether what every policy
// owes holds, and each grant is compared with an oracle that searches a plain list.
//
// The backends share one capacity group with as much room as there are slots, so every waiter of
// every target could start and the oracle may name any of them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/admission/profile_scheduler.hpp"

namespace signalbox::test {

/// A call as the world knows it.
struct KnownCall {
  WaiterRequest request;
  Instant enqueued_at{};
  /// Order of reservation.
  std::uint64_t sequence = 0;
  /// Of `SizePredictor`, when it came into line.
  std::uint32_t predicted_out = 0;
};

/// What a policy should do, in the dumbest way. Each member may be left out.
struct PolicyOracle {
  /// The one of `waiting` that should be next; all of them could start.
  std::function<std::size_t(const std::vector<KnownCall>& waiting, Instant now)> pick;
  std::function<void(const KnownCall& call, const std::vector<KnownCall>& waiting)> enters;
  /// Leaves the line, to a slot or altogether; `waiting` is without it.
  std::function<void(const KnownCall& call, bool is_granted)> leaves;
  std::function<void(const KnownCall& call, const TokenUsage& usage)> ended;
};

struct PolicyWorldOptions {
  std::uint32_t slots = 3;
  std::size_t targets = 3;
  std::size_t owners = 3;
  /// Backends say what a call took.
  bool reports_usage = true;
  /// Of what calls really take: no policy may depend on it before their end.
  std::uint64_t usage_seed = 1;
  /// So many calls end as with `usage_seed` 1, whatever it is.
  std::size_t same_ends = 0;
  /// Calls that wait at most.
  std::size_t waiting_max = 25;
};

class PolicyWorld {
 public:
  PolicyWorld(ProfileSettings settings, std::uint64_t seed, PolicyWorldOptions options,
              PolicyOracle oracle = {});

  /// Something happens. @returns what went wrong, empty when nothing did.
  std::string step();
  /// Nobody comes any more, calls end. @returns what went wrong: everybody must get a slot.
  std::string drain();

  void reconfigure(ProfileSettings settings);
  /// Ids in the order of their grants.
  [[nodiscard]] const std::vector<TaskId>& granted() const { return x_granted; }
  /// Calls that have ended with an answer.
  [[nodiscard]] std::size_t ends() const { return x_ends; }
  [[nodiscard]] const ProfileScheduler& scheduler() const { return x_scheduler; }
  /// Of a call until its grant, from when it first came.
  [[nodiscard]] Duration longest_wait() const { return x_longest_wait; }

 private:
  struct Running {
    KnownCall call;
    Lease lease;
  };
  std::uint64_t below(std::uint64_t bound) { return x_random() % bound; }
  [[nodiscard]] std::uint32_t predict(const WaiterRequest& request) const;
  void submit();
  void end_one();
  void cancel();
  void requeue();
  void pump();
  void take(Grant& grant);
  void check_quiet();
  [[nodiscard]] bool may_start(Priority priority) const;
  [[nodiscard]] std::vector<KnownCall> startable() const;
  void fail(const std::string& what) {
    if (x_fault.empty()) x_fault = what;
  }

  PolicyWorldOptions x_options;
  PolicyOracle x_oracle;
  std::mt19937_64 x_random;
  std::mt19937_64 x_usage_random;
  std::mt19937_64 x_same_usage_random{1};
  std::size_t x_ends = 0;
  ProfileScheduler x_scheduler;
  SizePredictor x_predictor;
  std::vector<KnownCall> x_waiting;
  std::vector<Running> x_running;
  std::vector<TaskId> x_granted;
  Instant x_now{std::chrono::seconds{1}};
  Duration x_longest_wait{};
  std::uint64_t x_next = 1;
  std::uint32_t x_next_lease = 1;
  std::string x_fault;
};

/// Walks `steps` steps from each seed, then drains; fails the test at the first fault.
void walk_policy(const ProfileSettings& settings, const PolicyWorldOptions& options,
                 const std::function<PolicyOracle()>& oracle, std::uint64_t seeds = 40,
                 std::size_t steps = 600);

ProfileSettings policy_settings(const std::string& policy, std::uint32_t slots = 3,
                                const PolicyOptions& options = {});

}  // namespace signalbox::test
