// Who can run what, and how much of it is in use. Leases are granted here: a call runs on a backend
// only while it holds one, so an executor's capacity holds across all profiles.
//
// Who asks while there is no room stands in line, ordered by class and arrival over all targets,
// and is granted the lease as soon as there is: no wake-up can be lost.
//
// Among the backends that could take a call, those that have failed too often are passed over, and
// the pool's choice picks one of the others.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/backends/backend_choice.hpp"
#include "core/backends/circuit_breaker.hpp"
#include "core/backends/lease.hpp"
#include "core/backends/llm.hpp"
#include "core/backends/pool_choices.hpp"

namespace signalbox {

/// Who asks for a lease: a profile or a task that tries again. Chosen by the asker, unique.
using RequesterId = std::string;

struct LeaseRequest {
  RequesterId requester;
  std::string target;
  Priority priority = Priority::workflow;
  /// LLMs that have just failed this call: taken only when nothing else is left.
  std::vector<std::string> avoid;
  /// Backends known to be down will do when there is no other (a second try at the only one).
  bool accept_inactive = false;
  /// Those to avoid are never taken; see has_other().
  bool only_others = false;
  /// Was told that nobody could be woken: nobody is woken for it until it asks again.
  bool was_refused = false;
  /// Was told that it waits for room.
  bool waits_for_room = false;
  /// Whose calls the lease may be for, in order: the lease is for the first that can be served.
  /// Empty = for calls without a session.
  std::vector<SessionWait> sessions = {};
};

/// How long a session waits for its own backend, which is full, while another has room: while its
/// own takes a call now and then the wait is worth what it knows of the session.
inline constexpr std::chrono::seconds overflow_after{5};

struct LeaseGrant {
  RequesterId requester;
  std::string target;
  Lease lease;
};

/// Who in line is told that nobody can serve it for now.
struct LeaseRefusal {
  RequesterId requester;
  std::string target;
};

/// What somebody in line waits for is another thing now.
struct LineNews {
  RequesterId requester;
  std::string target;
  bool waits_for_room = false;
};

/// What a session asked for, and what came of it.
struct ClaimOutcome {
  /// Names that others own.
  std::vector<std::string> refused;
  /// Names taken over, and who had them.
  std::vector<std::pair<ExecutorId, std::string>> taken;
};

struct WakeOrder {
  ExecutorId executor = 0;
  std::string llm;
};

/// A pool as people see it.
struct PoolView {
  std::string name;
  ChoiceKind choice = ChoiceKind::least_loaded;
  /// In order of registration.
  std::vector<std::string> llms = {};
  /// Remembered by its choice.
  std::size_t sessions = 0;
};

class DirectoryBook {
 public:
  /// What follows happens at `now`. Only breakers and sessions that wait look at it.
  void pass_time(Instant now) { x_now = now; }

  /// Of breakers that are made from now on.
  void set_breaker_rules(BreakerRules rules) { x_breaker_rules = rules; }
  void set_choice(const std::string& pool, ChoiceKind kind) { x_choices.set(pool, kind); }
  void set_default_choice(ChoiceKind kind) { x_choices.set_default(kind); }
  /// @returns pools that some LLM names or that have a choice of their own, sorted by name.
  [[nodiscard]] std::vector<PoolView> pools() const;

  /// Registers or replaces the LLMs of an executor. An LLM whose name another executor owns is left
  /// out and returned.
  std::vector<std::string> put_llms(ExecutorId executor, std::vector<Llm> llms);
  /// As put_llms, for a worker: a name whose session is inactive is taken over.
  /// With `is_atomic` nothing is changed when others own any of the names.
  ClaimOutcome claim_llms(ExecutorId executor, std::vector<Llm> llms, bool is_atomic);
  void remove_executor(ExecutorId executor);
  /// All LLMs of the executor that are active or inactive. @returns true when something changed.
  bool set_status(ExecutorId executor, LlmStatus status, WallTime at);

  /// @returns whether some LLM that is not to be avoided could serve it, now or when it has room.
  [[nodiscard]] bool has_other(const LeaseRequest& request) const;

  /// @returns the lease, or nothing: then the request stands in line (one per requester and
  /// target).
  std::optional<Lease> acquire(LeaseRequest request);
  /// @returns whether room is all that a target lacks: it has backends and none could take one call
  /// more. Otherwise somebody in line for it may be passed over though others are served.
  [[nodiscard]] bool lacks_room(const std::string& target) const;
  /// Leaves the line; a lease already granted is not touched.
  void withdraw(const RequesterId& requester, const std::string& target);
  /// @returns true when that changed capacities(): its LLM takes nothing new.
  bool release(const Lease& lease, LeaseOutcome outcome = LeaseOutcome::untold);

  /// @returns who in line is granted what now. To be called after put_llms, claim_llms,
  /// remove_executor, set_status, set_choice and release, and at next_serve_at().
  std::vector<LeaseGrant> serve_line();
  /// @returns those in line who were told something else of lacks_room(). To be called after
  /// serve_line.
  std::vector<LineNews> take_news();
  /// @returns when somebody in line may be served though nothing happens: a backend that is passed
  /// over may be tried again, or a session has waited long enough for its own.
  [[nodiscard]] std::optional<Instant> next_serve_at() const;

  /// @returns who wants others only while there are none any more; they have left the line. To be
  /// called after serve_line.
  std::vector<LeaseRefusal> take_hopeless();

  /// @returns whom to wake so that those in line are served: one LLM of each target that has none
  /// awake. Nobody is named again before it changed its status or wake_failed(). To be called
  /// after acquire and serve_line.
  std::vector<WakeOrder> wakes();
  /// @returns those in line for it, who stay there; nobody when another LLM can serve them. Nobody
  /// is woken for them until they ask again, one more does, or another LLM comes.
  std::vector<LeaseRefusal> wake_failed(const std::string& llm);

  [[nodiscard]] RoutingTable table() const;
  /// Live capacity groups behind a target; of one that is going, what still runs on it.
  [[nodiscard]] CapacityList capacities(const std::string& target) const;
  [[nodiscard]] std::uint64_t running_total() const;

 private:
  struct Group {
    std::uint32_t capacity = 1;
    std::uint32_t running = 0;
    /// When it last took a call.
    Instant leased_at{};
  };
  using LineKey = std::pair<Priority, std::uint64_t>;
  using BreakerKey = std::pair<ExecutorId, std::string>;

  [[nodiscard]] const Llm* find_of_other(const std::string& name, ExecutorId executor) const;
  /// @returns the arrival number it had, 0 when it was not in line.
  std::uint64_t leave_line(const RequesterId& requester, const std::string& target);
  /// Forgets capacity groups that no LLM names and no lease is on, and what is remembered of LLMs
  /// and pools that are gone.
  void drop_unused();
  /// Somebody new is there for it.
  void hope_again(const std::string& target);
  [[nodiscard]] std::optional<Lease> try_lease(const LeaseRequest& request);
  [[nodiscard]] std::optional<Lease> lease_among(const std::vector<BackendCandidate>& candidates,
                                                 const LeaseRequest& request);
  [[nodiscard]] std::optional<Lease> lease_for_session(
      const std::vector<BackendCandidate>& candidates, const LeaseRequest& request);
  [[nodiscard]] Lease lease_on(const Llm& llm);
  /// It takes calls of that target, if it has room.
  [[nodiscard]] static bool is_available(const Llm& llm, const std::string& target);
  [[nodiscard]] bool has_room(const std::string& target) const;
  /// @returns when it may go to another than its own; of one without, long ago.
  [[nodiscard]] Instant overflow_at(const std::string& target, Instant room_since,
                                    const SessionWait& wait) const;
  /// Of targets that have none any more.
  void forget_room();
  [[nodiscard]] std::optional<Instant> next_probe_at() const;
  [[nodiscard]] std::optional<Instant> next_overflow_at() const;
  [[nodiscard]] std::vector<BackendCandidate> candidates(const LeaseRequest& request,
                                                         LlmStatus status, bool avoided) const;
  [[nodiscard]] const CircuitBreaker* find_breaker(const Llm& llm) const;
  /// Takes out those whose breakers let nothing pass, unless there is none that is closed: a pool
  /// that might work is better than one that surely does not.
  [[nodiscard]] std::vector<BackendCandidate> without_broken(
      std::vector<BackendCandidate> candidates) const;
  void note_outcome(const Lease& lease, LeaseOutcome outcome);

  /// In order of registration.
  std::vector<Llm> x_llms;
  std::map<std::string, Group> x_groups;
  /// No LLM names it any more, but a lease is still out.
  std::set<std::string> x_orphaned_groups;
  /// LLMs that were named by wakes() and have not answered.
  std::set<std::string> x_waking;
  std::map<std::string, std::map<LineKey, LeaseRequest>> x_lines;
  std::uint64_t x_next_arrival = 1;
  std::uint32_t x_next_lease = 1;
  PoolChoices x_choices;
  /// Of LLMs whose last calls failed; the others need none.
  std::map<BreakerKey, CircuitBreaker> x_breakers;
  BreakerRules x_breaker_rules;
  /// Targets that have room which those in line have declined, and since when.
  std::map<std::string, Instant> x_room_since;
  Instant x_now{};
};

}  // namespace signalbox
