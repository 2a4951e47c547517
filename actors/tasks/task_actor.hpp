// One task that someone waits for, or that has a slot: it carries the task from its place in the
// queue to its durable end, and tells its listeners.
//
//   reserve ─▶ insert ─▶ wait ─▶ claim ─▶ run ─▶ store the end ─▶ announce ─▶ retire
//                         ▲        ▲        │ failed before the first byte
//                         │        └─ lease ┤
//                         └── requeue ──────┘ its worker went away, or it yielded its slot
//
// Spawned by the broker: for a new call, for a task of the backlog that got its turn, or to watch
// or end one. Retires when its end is announced, its slot and lease are given back and the broker
// confirmed that nothing is on its way to it. Persists every transition through the StoreActor; its
// death without that loses no acknowledged task, the row is taken up again at the next start.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "actors/tasks/listeners.hpp"

namespace signalbox::actors {

/// How a TaskActor comes into the house.
enum class TaskEntry : std::uint8_t {
  /// A new call: nothing is stored yet.
  submit,
  /// Its row waits in the profile's backlog.
  backlog,
};

struct TaskSetup {
  TaskEntry entry = TaskEntry::submit;
  TaskPtr task;
  Bytes request;
  /// As in SubmitTask.
  std::string session;
  CallSize size;
  /// Answer when the row is durable.
  bool is_async = false;
  /// Dispatch and answer without waiting for the disk.
  bool is_relaxed = false;
  /// What a new call ends with as soon as its row is durable; none = it is queued. Such a call has
  /// no profile.
  Error refusal;
  std::uint32_t max_attempts = 3;
  std::uint32_t boot_counter = 0;
  /// Who waits from the start, if anyone.
  std::optional<Listeners::Listener> listener;
  ProfileActor profile;
  std::shared_ptr<const House> house;
  std::shared_ptr<WallClock> wall;
};

class TaskRun {
  /// Tell the answers of the store apart.
  static constexpr std::uint64_t insert_cookie = 1;
  static constexpr std::uint64_t end_cookie = 2;

 public:
  explicit TaskRun(TaskActor::pointer self) : x_self{self} {}
  static inline const char* name = "task";

  TaskActor::behavior_type make_behavior(TaskSetup setup);

 private:
  /// Where it stands with its profile.
  enum class Place : std::uint8_t { reserving, queued, unwatching, slot, leaving, left };

  // Admission.
  void enter();
  void watch_turn();
  void reserved();
  void insert();
  void refused(Error error);
  void granted(TurnGranted& message);
  void expired(const BudgetExpired& message);
  // Attempts.
  void acquired(LeaseGranted& message);
  void claim();
  void report(BackendReport& message);
  void began(const BackendBegan& event);
  void pass_on(const BackendEvents& event);
  void count_tokens(std::uint32_t count);
  void finished(BackendFinished& event);
  void failed(BackendFailed& event);
  void lost(const BackendLost& event);
  /// @param only_others no LLM that has failed it is asked again.
  void retry_elsewhere(bool only_others);
  void lease_refused(const LeaseRefused& message);
  /// Why a task that had a slot waits again.
  enum class Return : std::uint8_t { lost, given_back, preempted };
  void requeue(Return why);
  /// The row is pending again.
  void put_back(Return why);
  void shelve();
  // Preemption (task_preemption.cpp).
  void yield_slot();
  /// Its call has ended otherwise than well, as it was told to, or did not confirm that in time.
  void yielded();
  /// Its budget is over, which may be its backend's fault.
  void judge_timeout();
  void give_lease_back();
  void forget_attempt();
  void refuse_receipt(const BackendReport& message);
  // The end.
  void end(TaskState state, Error error, Bytes body, Bytes tail);
  void stored(StoreAnswer& message);
  void store_end();
  /// @returns true when the end is on its way once more.
  bool claim_again(const StoreResult& result);
  void inserted(const StoreResult& result);
  void hand_over_to_key_owner(const StoreResult& result);
  void hand_over_to_backlog();
  void end_by_order(EndTask& message);
  void announce();
  void tell_end(const Listeners::Listener& listener);
  void let_go();
  /// Tells the backend to stop.
  void abort_call();
  void abort_unconfirmed(Epoch epoch);
  void retire_when_done();
  void unwatched();
  void tell_receipt(Error error);
  // Listeners.
  void add_listener(const AddListener& message);
  void remove_listener(const RemoveListener& message);
  void begin_stream_for(Listeners::Listener& listener);
  void give_held(const Listeners::Listener& listener);
  void tell_observers_moved();

  void write(StoreWrite&& message, bool wants_answer);
  void move(MoveTask&& move, bool wants_answer);
  void note_row();
  /// When it came into the state it is in.
  [[nodiscard]] WallTime moved_at() const;
  [[nodiscard]] Instant now() const;
  [[nodiscard]] WallTime wall() const { return x_setup.wall->now(); }
  [[nodiscard]] CallFacts facts() const;
  /// Of callers who come late, or again, or look on.
  [[nodiscard]] bool keeps_stream() const;

  TaskActor::pointer x_self;
  TaskSetup x_setup;
  Listeners x_listeners;
  CallRow x_row;

  Place x_place = Place::reserving;
  std::optional<Lease> x_lease;
  LeaseOutcome x_lease_outcome = LeaseOutcome::untold;
  ExecutorActor x_executor;
  /// LLMs that failed this task, in order.
  std::vector<std::string> x_failed_llms;
  /// What the last one said; the answer when no other is left.
  std::optional<Error> x_last_failure;
  /// Who brought the result, to be told when it is durable.
  ResultClient x_receipt;
  Epoch x_epoch = 0;
  /// When its call was given to the backend.
  Instant x_claimed_at{};
  /// A RunTask was sent and its last report has not come.
  bool x_is_call_open = false;
  /// The broker stops: from here on it waits for the next start.
  bool x_is_shelved = false;
  /// Its call was told to stop so that another may have the slot.
  bool x_is_yielding = false;
  bool x_is_acquiring = false;
  /// May be granted before its row is durable.
  bool x_is_ready = false;
  bool x_is_inserted = false;
  bool x_has_begun = false;
  std::string x_content_type;
  /// When a stream's progress is to be told again.
  Instant x_row_due{};

  struct End {
    Error error;
    Bytes body;
    Bytes tail;
    TaskState state = TaskState::error;
  };
  std::optional<End> x_end;
  /// When the backend's answer was whole; zero = not known.
  Instant x_received_at{};
  bool x_is_announced = false;
  bool x_has_claimed_again = false;
  /// Writes whose answer matters and is still out.
  std::uint32_t x_writes_out = 0;
  bool x_is_retiring = false;

  Instant x_queued_at{};
  /// When it came into the line last: later, when its worker went away with it.
  Instant x_waits_since{};
  /// When it went back to pending; zero before.
  WallTime x_returned_at{};
  std::optional<Instant> x_admitted_at;
};

TaskActor::behavior_type task_actor(TaskActor::stateful_pointer<TaskRun> self, TaskSetup setup);

}  // namespace signalbox::actors
