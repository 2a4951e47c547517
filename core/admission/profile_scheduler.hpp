// Admission into the slots of one profile (mission A1-A4, A8): bounded queues, the policy, both
// budgets. Pure: `now` is handed in, and what is to be done comes back as plain values.
//
//   reserve ─▶ (stored) ─▶ enqueue ─▶ waiting ─▶ granted ─▶ release
//      │ bound                │  ▲ requeue ───────┤ inference budget; preempt
//      ▼                      ▼ queue budget       ▼
//   queue_full          queue_wait_timeout    inference_timeout
//
// A grant needs a free slot and a lease on a backend of the waiter's target. Leases are asked for
// per target, one at a time; while an answer is open nothing is granted, so that a better waiter of
// another target is never passed over because its answer came a message later.
//
// Waiters may have a session key, for pools that keep a session's calls on one backend. The
// question for a lease then names the sessions that wait, in order, and the answer says for which
// of them the lease is: one whose backend is busy holds up nobody but its own session.
//
// Who is next is the policy's to say (policy.hpp), among those who could start. Targets that share
// a backend's capacity are asked for one after the other in the policy's order, since the first to
// ask gets the room.
//
// With `preempt: background`, an interactive waiter without a slot takes one from a background
// task: preempt() names the task, its slot is free when it has been requeued, and until an
// interactive call has taken that no other class may (profile_preemption.cpp).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/admission/profile_settings.hpp"
#include "core/admission/session_queue.hpp"
#include "core/admission/slot_tuner.hpp"
#include "core/backends/lease.hpp"
#include "core/base/time.hpp"
#include "core/policies/owner_table.hpp"
#include "core/policies/policy.hpp"
#include "core/policies/size_predictor.hpp"
#include "core/policies/wait_queue.hpp"

namespace signalbox {

struct WaiterRequest {
  TaskId id;
  Priority priority = Priority::workflow;
  /// Pool key; empty = needs a slot but no backend (a slot of an app's own call).
  std::string target;
  /// Bounded by max_queued: a caller stands and waits.
  bool counted = true;
  /// Zero = no limit.
  Duration queue_wait{};
  Duration inference{};
  /// Whose call it is; empty = nobody's in particular.
  std::string owner = {};
  CallSize size = {};
};

struct Grant {
  TaskId id;
  /// Empty LLM when the waiter needs no backend.
  Lease lease;
  Duration queue_wait{};
};

struct Expiry {
  TaskId id;
  /// queue_wait_timeout or inference_timeout.
  ErrorCode code = ErrorCode::none;
  /// It stood in line, and no backend of its target was there.
  bool is_unserved = false;
};

struct AskForLease {
  std::string target;
  Priority priority = Priority::workflow;
  /// Of those that wait, each once, in order; empty = nobody has one.
  std::vector<SessionWait> sessions = {};
};

/// How many sessions a question for a lease names at first, beside those without one. When all of
/// them have to wait, the next one names twice as many.
inline constexpr std::size_t sessions_asked_first = 128;
/// No question names more: waiters of further sessions wait until these have made room.
inline constexpr std::size_t sessions_asked_max = 4096;

struct Occupancy {
  std::uint32_t slots = 0;
  std::uint32_t in_flight = 0;
  std::array<std::size_t, priority_count> waiting{};
  std::uint64_t admitted_total = 0;
  std::uint64_t rejected_total = 0;
  /// Times that a task was sent back for an interactive call.
  std::uint64_t preempted_total = 0;
};

class ProfileScheduler {
 public:
  ProfileScheduler(std::string name, ProfileSettings settings);

  /// Takes a place in the queue's bound, not yet in the queue. @returns queue_full when the class
  /// is at its bound and no free slot is left for it.
  /// @param session empty = none.
  std::optional<Error> reserve(const WaiterRequest& request, Instant now,
                               const std::string& session = {});
  /// From reserved to waiting; unknown ids are ignored (removed meanwhile).
  void enqueue(TaskId id);
  /// A task of the backlog, never refused: nobody waits for it with a connection.
  void restore(const WaiterRequest& request, Instant now);

  /// From a slot back into the queue, at its old place. Zero `queue_wait` = no limit.
  /// @param is_preempted counts against its budget of preemptions.
  /// @returns false unless it had a slot.
  bool requeue(TaskId id, Duration queue_wait, Instant now, bool is_preempted = false);

  /// To be called after settle(). @returns background tasks that are to give their slots to
  /// interactive waiters: for each waiter that lacks one at most one, the last granted first. Each
  /// keeps its slot until requeue(), remove() or keep_slot(), and its inference budget stands
  /// still.
  std::vector<TaskId> preempt();
  /// preempt() has named it, and what it should do is still open.
  [[nodiscard]] bool is_yielding(TaskId id) const;
  /// It cannot be sent back: its caller has seen a part of the answer. Not named again while it has
  /// this slot.
  void keep_slot(TaskId id);
  /// Of one that was restored: until it is known how often it was sent back it is not again.
  void set_preemptions(TaskId id, std::uint32_t preemptions);

  /// @returns targets to ask the directory for, each counted as asked from now on. One that is
  /// parked is asked for again when somebody of a better class has come, or when other sessions
  /// wait for it than those asked for.
  std::vector<AskForLease> asks(Instant now);
  /// @returns targets that stand in the directory's line though nobody waits for them any more:
  /// they are to leave it, and count as not asked for. A lease that is on its way all the same is
  /// unused.
  std::vector<std::string> withdrawals();
  void lease_granted(const std::string& target, Lease lease);
  /// The directory has none for it now and will grant when it has.
  /// @param waits_for_room its backends are all full: who comes after it and wants their room waits
  /// behind it. Otherwise nobody does.
  void lease_parked(const std::string& target, bool waits_for_room);
  /// What it is parked for is another thing now.
  void still_parked(const std::string& target, bool waits_for_room);
  /// Nobody of that target can run anything for now. The directory keeps the request in line; it is
  /// asked again at `retry_at`, or when one more comes. @returns the callers who waited for it, in
  /// order; they have left the queue.
  std::vector<TaskId> lease_refused(const std::string& target, Instant retry_at, Instant now);
  /// The live backends of a target changed; they are the slots where none are configured.
  void set_capacity(const std::string& target, CapacityList capacities);

  /// Sets the inference budget of one in a slot that came from the backlog; it counts from its
  /// grant.
  void set_inference(TaskId id, Duration inference);

  /// @returns who may start now, in order. Leases that nobody can use are added to `unused`.
  std::vector<Grant> settle(Instant now, std::vector<Lease>& unused);

  /// Leaves wherever it is: reserved, waiting or in a slot. @returns false when it was nowhere.
  /// @param usage what it took, of one that had a slot, as far as its backend said.
  /// @param is_done it had a slot and came to the end it was to come to.
  bool remove(TaskId id, Instant now, const TokenUsage& usage = {}, bool is_done = false);

  /// @returns who is over a budget; waiters leave the queue, those in a slot keep it until removed.
  std::vector<Expiry> expire(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// Whoever waits goes on waiting; a policy that is new orders them from here on.
  /// Slots that are being tuned begin anew when what concerns them has changed.
  void reconfigure(ProfileSettings settings);

  [[nodiscard]] const std::string& name() const { return x_name; }
  [[nodiscard]] const ProfileSettings& settings() const { return x_settings; }
  [[nodiscard]] std::uint32_t slots() const;
  [[nodiscard]] Occupancy occupancy() const;
  /// @returns 1 for the next to be granted in its class order; nothing when it is not waiting.
  [[nodiscard]] std::optional<std::size_t> position(TaskId id) const;
  /// Mean service time (moving average, newest weighs 1/8) times the rounds before `position`'s
  /// turn over all slots.
  [[nodiscard]] double estimated_wait_s(std::size_t position) const;
  /// The wait of a caller of that class who came now.
  [[nodiscard]] double estimated_wait_s(Priority priority) const;

 private:
  static constexpr Instant never = Instant::max();

  enum class Stage : std::uint8_t { reserved, waiting, granted };
  enum class TargetState : std::uint8_t { idle, asked, parked, refused };
  struct Waiter {
    WaiterView view;
    Instant since{};
    Instant deadline{};
    std::uint32_t inference_ms = 0;
    /// The policy that granted it; another one knows nothing of it.
    std::uint32_t granted_by = 0;
    Stage stage = Stage::reserved;
    bool counted = false;
    /// It stands in x_session_queue; which one is in x_sessions.
    bool has_session = false;
    /// The rest is about preemption.
    bool knows_preemptions = true;
    bool is_yielding = false;
    std::uint32_t preemptions = 0;
    /// Of an interactive waiter, for whom it yields.
    TargetIndex yields_to = 0;
    /// Rises with every grant of the profile.
    std::uint64_t grant_number = 0;
  };
  /// A background task in a slot.
  struct Preemptible {
    TaskId id;
    TargetIndex target = 0;
    /// Whose capacity it took when it was granted.
    std::string group;
  };
  struct Target {
    std::string name;
    TargetState state = TargetState::idle;
    /// When parked: for a call to end on one of its backends.
    bool waits_for_room = false;
    /// The class it was last asked for with.
    Priority asked = Priority::background;
    std::vector<SessionWait> asked_sessions;
    /// The directory has said that it stands there; refused ones do, too.
    bool is_in_line = false;
    /// It stood in the directory's line and was asked for anew, for a better class or after it had
    /// left the line: the lease of the question before may be on its way.
    bool is_crossed = false;
    std::size_t sessions_asked = sessions_asked_first;
    /// The last lease was for one session, or none has come yet: elsewhere they need not be told.
    bool heeds_sessions = true;
    /// When refused: to be asked for again.
    Instant retry_at{};
    std::vector<Lease> leases;
    CapacityList capacities;
    /// Its calls that have a slot.
    std::uint32_t in_flight = 0;
    /// Tasks that are giving up their slots for its interactive waiters.
    std::uint32_t yielding = 0;
    /// Slots that were given up for them and that none has taken yet.
    std::uint32_t owed = 0;
    /// Capacity groups that ran a call of this target last, while the policy heeds that.
    std::set<std::string> loaded_on;
  };

  TargetIndex target_index(const std::string& name);
  [[nodiscard]] std::size_t free_slots() const;
  [[nodiscard]] bool is_full(Priority priority, const Target& target) const;
  /// Others wait for room on all of its backends: it is not asked for, or is known to have none.
  [[nodiscard]] bool lacks_room(const Target& target) const;
  /// Puts it into the queue under its number; a target that was refused may be asked for again.
  void push(TaskId id, Waiter& waiter);
  Waiter& add(const WaiterRequest& request, Instant now);
  void forget_owners(const std::vector<OwnerIndex>& owners);
  void set_deadline(TaskId id, Waiter& waiter, Instant deadline);
  void clear_deadline(TaskId id, Waiter& waiter);
  void count(const Waiter& waiter, bool enters);
  void leave_queue(TaskId id, const Waiter& waiter);
  [[nodiscard]] std::size_t waiting(Priority priority) const;
  [[nodiscard]] std::size_t waiting(Priority priority, TargetIndex target) const;
  [[nodiscard]] bool has_waiter(TargetIndex target) const;

  /// Gives its slot back.
  void leave_slot(Waiter& waiter);
  /// From the settings, for the calls to come.
  void begin_tuning();

  // Preemption (profile_preemption.cpp).
  void note_granted(TaskId id, Waiter& waiter, const Lease& lease);
  /// One of those named by preempt() has left its slot, or keeps it.
  void end_yielding(Waiter& waiter, bool is_slot_free);
  /// What is owed to a target is no more than it has interactive waiters.
  void trim_debt(TargetIndex index);
  void forgive(Target& target);
  /// Targets with interactive waiters, the longest waiting first.
  [[nodiscard]] std::vector<TargetIndex> interactive_targets() const;
  /// @returns the grant number of whom to send back for one more waiter, or nothing.
  [[nodiscard]] std::optional<std::uint64_t> victim_for(TargetIndex index, bool has_slot) const;
  [[nodiscard]] bool is_preemptible(TaskId id) const;
  [[nodiscard]] bool has_visible_room(TargetIndex index) const;

  // The policy (profile_policy.cpp).
  /// How many more of each class may start; slots that are owed to interactive calls are theirs.
  [[nodiscard]] Rooms rooms() const;
  [[nodiscard]] static Lane lane_of(const Waiter& waiter);
  /// Hands everyone who waits to a policy that is new.
  void adopt_policy();
  void predict(WaiterView& view) const;
  void weigh(WaiterView& view) const;
  void note_end(Waiter& waiter, const TokenUsage& usage);
  void note_loaded(const Lease& lease, TargetIndex target);
  [[nodiscard]] bool is_loaded(const Target& target, const Lease* lease) const;
  /// @returns who waits for that target, when it would have to be loaded in another's place
  /// wherever it went.
  [[nodiscard]] std::optional<SwapBatch> swap_batch(TargetIndex index) const;

  // Leases (profile_grants.cpp).
  /// One that may be next: the first that its target's lease is for, or that would be asked for.
  struct Candidates {
    std::vector<QueueHead> heads;
    /// By head: the waiter, and its lease's index if there is one.
    std::vector<std::pair<TaskId, std::optional<std::size_t>>> waiters;
  };
  /// @param with_parked those that wait for room, too.
  [[nodiscard]] Candidates candidates(const Rooms& rooms, bool with_parked = false) const;
  void add_heads(TargetIndex index, std::optional<std::size_t> lease, const Rooms& rooms,
                 Candidates& found) const;
  void add_head(TaskId id, std::uint64_t sequence, const Lane& lane,
                std::optional<std::size_t> lease, Candidates& found) const;
  void add_lane(const Lane& lane, std::optional<std::size_t> lease, Candidates& found) const;
  /// The longest waiting that the lease can serve; all can be without one.
  [[nodiscard]] std::optional<WaitQueue::Item> front(Priority priority, TargetIndex target,
                                                     const Lease* lease) const;
  [[nodiscard]] std::optional<Priority> best_waiting(TargetIndex target, const Rooms& rooms) const;
  [[nodiscard]] std::vector<SessionWait> sessions_waiting(TargetIndex target,
                                                          const Rooms& rooms) const;
  /// Of targets that may be asked for, those whose room nobody better is after.
  [[nodiscard]] std::vector<TargetIndex> first_of_groups(const std::vector<TargetIndex>& open,
                                                         const Rooms& rooms, Instant now);
  /// Leases of sessions that nobody is left of, or that somebody of a better class has come to wait
  /// beside since they were asked for.
  void drop_useless_leases(TargetIndex index, const Rooms& rooms);
  Grant grant(TaskId id, std::optional<std::size_t> lease, Instant now);

  std::string x_name;
  ProfileSettings x_settings;
  /// While the slots are tuned.
  std::optional<SlotTuner> x_tuner;
  std::unique_ptr<Policy> x_policy;
  PolicyTraits x_traits;
  /// Rises with every policy.
  std::uint32_t x_policy_number = 1;
  /// Waiters without a session; the others stand in x_session_queue.
  WaitQueue x_queue;
  SessionQueue x_session_queue;
  OwnerTable x_owners;
  SizePredictor x_predictor;
  /// Looked up by id, never iterated. The policy keeps pointers to the views of those who wait.
  std::unordered_map<TaskId, Waiter> x_waiters;
  /// Of waiters that have one. Looked up by id, never iterated.
  std::unordered_map<TaskId, std::string> x_sessions;
  std::vector<Target> x_targets;
  std::map<std::string, TargetIndex> x_target_indexes;
  /// Some capacity group stands behind more than one target.
  bool x_shares_groups = false;
  /// The target whose call a capacity group ran last, while the policy heeds that.
  std::map<std::string, TargetIndex> x_loaded;
  /// When the first of those that the policy holds back may start.
  std::optional<Instant> x_held_until;
  /// Leases to be given back.
  std::vector<Lease> x_useless;
  /// Of waiters and of slots held, earliest first.
  std::set<std::pair<Instant, TaskId>> x_deadlines;
  /// Callers bounded by max_queued, reserved or waiting, per class.
  std::array<std::size_t, priority_count> x_counted{};
  std::uint64_t x_next_sequence = 1;
  std::array<std::uint32_t, priority_count> x_in_flight{};
  std::uint64_t x_admitted_total = 0;
  std::uint64_t x_rejected_total = 0;
  std::uint64_t x_preempted_total = 0;
  /// By grant number. Of those granted while the profile preempts.
  std::map<std::uint64_t, Preemptible> x_preemptible;
  /// Over all targets.
  std::uint32_t x_owed = 0;
  double x_mean_service_s = 0;
};

}  // namespace signalbox
