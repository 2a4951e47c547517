// The oracle for ProfileScheduler: one plain list of waiters, searched from the start for every
// question. It says in the dumbest way what mission A1-A4 and A8 ask for; it shares no code with
// the scheduler.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/admission/profile_scheduler.hpp"

namespace signalbox::test {

/// What a test may do to a profile. `which` is a waiter's index, a target's index, seconds or
/// slots, by `kind`.
struct Op {
  enum class Kind : std::uint8_t {
    reserve,
    enqueue,
    /// reserve, then enqueue when it was taken.
    submit,
    /// A task of the backlog.
    restore,
    lease_granted,
    lease_parked,
    /// Nobody could be woken; asked again after refusal_pause.
    lease_refused,
    remove,
    /// From a slot back to its old place.
    requeue,
    /// Time goes on and nobody looks.
    advance,
    expire,
    /// Reconfigured to so many slots.
    slots,
  };
  Kind kind = Kind::reserve;
  std::uint32_t which = 0;
};

inline constexpr std::chrono::seconds refusal_pause{10};

std::string to_string(const Op& op);

struct Scenario {
  std::string name;
  ProfileSettings settings;
  std::vector<WaiterRequest> waiters;
  std::vector<std::string> targets;
  std::vector<Op> alphabet;
};

/// All that came out of one operation and the pumping after it.
struct StepOutcome {
  struct Granted {
    TaskId id;
    std::string lease_target;
    std::uint32_t lease_number = 0;
    Duration waited{};
    friend bool operator==(const Granted&, const Granted&) = default;
  };
  bool is_refused = false;
  bool is_removed = false;
  bool is_requeued = false;
  /// Callers of a target that was refused, in order.
  std::vector<TaskId> failed;
  /// Sorted: the order of asking is nobody's business.
  std::vector<std::pair<std::string, Priority>> asks;
  /// Sorted.
  std::vector<std::string> withdrawn;
  /// In the order of granting.
  std::vector<Granted> grants;
  /// Sorted.
  std::vector<std::uint32_t> unused;
  std::vector<std::pair<TaskId, ErrorCode>> expired;

  friend bool operator==(const StepOutcome&, const StepOutcome&) = default;
};

std::string to_string(const StepOutcome& outcome);

class SchedulerModel {
 public:
  enum class Place : std::uint8_t { reserved, waiting, granted };
  struct Waiter {
    WaiterRequest request;
    Place place = Place::reserved;
    Instant since{};
    std::optional<Instant> deadline;
  };
  struct Target {
    bool is_asked = false;
    bool is_parked = false;
    /// The directory has said so; also of one that is refused, or asks again.
    bool is_in_line = false;
    /// It has left the line: a lease may come all the same.
    bool may_be_late = false;
    /// Set while it is refused.
    std::optional<Instant> retry_at;
    /// The class of the last question.
    Priority asked = Priority::background;
    std::vector<std::uint32_t> leases;

    [[nodiscard]] bool is_stuck() const { return is_parked || retry_at; }
  };

  explicit SchedulerModel(const Scenario& scenario);

  /// Whether `op` may happen now: a lease comes only to who asked, an id is reserved once.
  [[nodiscard]] bool is_possible(const Op& op) const;
  /// Whether it would do something as well.
  [[nodiscard]] bool is_useful(const Op& op) const;
  StepOutcome apply(const Op& op);

  [[nodiscard]] const Waiter* find(TaskId id) const;
  [[nodiscard]] Waiter* find(TaskId id);
  [[nodiscard]] bool is_any_asked() const;
  [[nodiscard]] std::size_t in_flight() const;
  [[nodiscard]] std::size_t free_slots() const;
  [[nodiscard]] std::size_t waiting(Priority priority) const;
  /// Ids of those waiting in the order in which they would be granted.
  [[nodiscard]] std::vector<TaskId> line() const;
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// In order of arrival, which is the order inside a class.
  std::vector<Waiter> waiters;
  std::map<std::string, Target> targets;
  std::uint32_t slots = 0;
  Instant now = Instant{};
  std::uint64_t admitted_total = 0;
  std::uint64_t rejected_total = 0;
  std::uint32_t next_lease = 1;

 private:
  bool reserve(const WaiterRequest& request);
  void enqueue(TaskId id);
  bool remove(TaskId id);
  bool requeue(const WaiterRequest& request);
  void refuse(const std::string& name, StepOutcome& outcome);
  void expire(StepOutcome& outcome);
  void pump(StepOutcome& outcome);
  void withdraw(StepOutcome& outcome);
  void ask(StepOutcome& outcome);
  bool settle(StepOutcome& outcome);

  const Scenario* x_scenario;
};

}  // namespace signalbox::test
