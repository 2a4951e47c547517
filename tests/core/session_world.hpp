// Profiles and a directory that talk by messages, as their actors do, with messages that cross and
// backends that come, go and fail. Looks after every step whether what must hold does.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "core/admission/profile_scheduler.hpp"
#include "core/backends/directory.hpp"

namespace signalbox::test {

struct SessionWorldCounts {
  std::size_t grants = 0;
  /// Of sessions that were bound to a backend that was there.
  std::size_t kept = 0;
  /// Of sessions that had to leave theirs.
  std::size_t moved = 0;
  /// Of sessions that had waited long enough for theirs, which was full.
  std::size_t overflowed = 0;
  std::size_t cancels = 0;
  std::size_t unused = 0;
  /// Quiet moments with a backend that is passed over.
  std::size_t broken = 0;
  /// Quiet moments at which somebody waited for the full backend of his session beside a free one.
  std::size_t waits_for_own = 0;
};

class SessionWorld {
 public:
  /// @param session_count 0 = nobody has one.
  SessionWorld(std::uint64_t seed, ChoiceKind choice, std::size_t session_count);

  /// Something happens, or a message arrives. @returns what went wrong, empty when nothing did.
  std::string step();
  /// Everybody comes back, calls end. @returns what went wrong: in the end nobody may wait.
  std::string finish();
  [[nodiscard]] const SessionWorldCounts& counts() const { return x_counts; }

 private:
  struct Waiter {
    std::size_t profile = 0;
    TaskId id;
    Priority priority = Priority::workflow;
    std::string session;
  };
  struct Running {
    std::size_t profile = 0;
    TaskId id;
    Lease lease;
  };
  struct Release {
    Lease lease;
    LeaseOutcome outcome = LeaseOutcome::untold;
  };
  struct Granted {
    Lease lease;
  };
  struct Parked {};
  using ToDirectory = std::variant<LeaseRequest, Release>;
  using ToProfile = std::variant<Granted, Parked>;
  struct Profile {
    ProfileScheduler scheduler;
    std::deque<ToDirectory> sent;
    std::deque<ToProfile> inbox;
  };

  std::uint64_t below(std::uint64_t bound) { return x_random() % bound; }
  void submit();
  void cancel();
  void end_one(LeaseOutcome outcome);
  void change_backend();
  void pass_time(Duration duration);
  bool deliver_one(std::size_t profile, bool to_directory);
  void deliver_all();
  void serve_line();
  void note_lease(const Lease& lease);
  void pump(std::size_t profile);
  void take_grant(std::size_t profile, Grant& grant);
  void fail(const std::string& what) {
    if (x_fault.empty()) x_fault = what;
  }
  void check_quiet();
  [[nodiscard]] bool is_there(const std::string& llm) const;
  [[nodiscard]] bool is_full(const std::string& llm) const;

  std::mt19937_64 x_random;
  ChoiceKind x_choice;
  std::size_t x_session_count;
  DirectoryBook x_book;
  std::deque<Profile> x_profiles;
  std::vector<Llm> x_backends;
  /// Fails what it is sent; none when it is the number of backends.
  std::size_t x_failing = 0;
  /// In order of arrival.
  std::vector<Waiter> x_waiters;
  std::vector<Running> x_running;
  /// Leases out per backend.
  std::map<std::string, std::uint32_t> x_load;
  /// Where each session was last sent to.
  std::map<std::string, std::string> x_bound;
  Instant x_now{std::chrono::seconds{1}};
  std::uint64_t x_next_task = 1;
  SessionWorldCounts x_counts;
  std::string x_fault;
};

}  // namespace signalbox::test
