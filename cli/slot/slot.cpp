#include "cli/slot/slot.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <thread>

#include "cli/slot/child_process.hpp"
#include "cli/slot/slot_client.hpp"
#include "cli/slot/slot_lease.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// How often the end of a wait that was broken off is looked for, and how long it may take.
constexpr std::chrono::milliseconds stop_poll{50};
constexpr std::chrono::seconds stop_patience{1};
/// Between two looks without any signal; a bound, not a rhythm.
constexpr std::chrono::seconds look_interval{60};
/// How another thread wakes this one.
constexpr int news = SIGUSR1;

bool is_ignored(int number) {
  struct sigaction action {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// The signals of this process as events of its first thread. What was ignored from the start (a
/// job in the background) stays so.
class SignalQueue {
 public:
  SignalQueue() {
    sigemptyset(&x_awaited);
    sigemptyset(&x_defaults);
    std::signal(SIGCHLD, SIG_DFL);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, news}) {
      if (!is_ignored(number)) sigaddset(&x_awaited, number);
    }
    // A daemon that goes away is a failed write; for the command it is as it was.
    if (!is_ignored(SIGPIPE)) sigaddset(&x_defaults, SIGPIPE);
    std::signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &x_awaited, &x_before);
  }

  /// @returns the next signal, its number 0 when none comes in time.
  siginfo_t wait(Clock::duration time) const {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::max(time, Clock::duration::zero()));
    const timespec limit{ns.count() / 1'000'000'000, ns.count() % 1'000'000'000};
    siginfo_t info{};
    return sigtimedwait(&x_awaited, &info, &limit) > 0 ? info : siginfo_t{};
  }

  /// @returns something that wakes wait(), from any thread.
  [[nodiscard]] std::function<void()> waker() const {
    return [thread = pthread_self()] { pthread_kill(thread, news); };
  }

  [[nodiscard]] const sigset_t& before() const { return x_before; }
  [[nodiscard]] const sigset_t& defaults() const { return x_defaults; }

 private:
  sigset_t x_awaited{};
  sigset_t x_defaults{};
  sigset_t x_before{};
};

bool is_request_to_end(int number) {
  return number == SIGINT || number == SIGTERM || number == SIGHUP;
}

/// Nobody waits longer for a call that was broken off: the process's end hangs up as well.
[[noreturn]] void leave_at_once(int number) {
  _exit(128 + number);
}

struct Taken {
  Outcome<HeldSlot> slot;
  /// The signal that broke the wait, 0 = none.
  int signal = 0;
};

Taken wait_for_slot(const ApiClient& client, const SlotRequest& request,
                    const SignalQueue& signals) {
  Taken taken{Failure{}, 0};
  CallStop stop;
  std::atomic<bool> is_done = false;
  std::thread caller{[&, wake = signals.waker()] {
    taken.slot = take_slot(client, request, stop);
    is_done = true;
    wake();
  }};
  Clock::time_point leave_at;
  while (!is_done) {
    const bool is_leaving = taken.signal != 0;
    const int number =
        signals.wait(is_leaving ? Clock::duration{stop_poll} : look_interval).si_signo;
    if (!is_leaving && is_request_to_end(number)) {
      taken.signal = number;
      leave_at = Clock::now() + stop_patience;
    }
    // Again and again: a call that is only beginning is not stopped.
    if (taken.signal != 0) stop.stop();
    if (is_leaving && Clock::now() > leave_at) leave_at_once(taken.signal);
  }
  caller.join();
  return taken;
}

/// Passes on what the command did not get by itself.
void pass_on(const siginfo_t& info, const ChildProcess& child) {
  if (!is_request_to_end(info.si_signo)) return;
  const bool is_typed = info.si_code == SI_KERNEL;
  if (!is_typed || !child.shares_terminal()) child.signal(info.si_signo);
}

/// @returns the command's exit code, or slot_lost when it was ended because of that.
int wait_for_command(ChildProcess& child, const SlotLease& lease, const SignalQueue& signals,
                     std::chrono::seconds grace) {
  bool is_told = false;
  bool is_killed = false;
  Clock::time_point kill_at;
  while (true) {
    if (const auto code = child.poll()) return is_told ? to_int(ExitCode::slot_lost) : *code;
    if (!is_told && lease.loss()) {
      is_told = true;
      kill_at = Clock::now() + grace;
      report({ExitCode::slot_lost, "the slot is lost: " + *lease.loss() + "; ending the command"});
      child.signal(SIGTERM);
    }
    if (is_told && !is_killed && Clock::now() >= kill_at) {
      is_killed = true;
      child.signal(SIGKILL);
    }
    const bool has_deadline = is_told && !is_killed;
    pass_on(signals.wait(has_deadline ? kill_at - Clock::now() : look_interval), child);
  }
}

void give_back(const ApiClient& client, const HeldSlot& slot, int code) {
  const std::string detail =
      code > 128 ? "signal " + std::to_string(code - 128) : "exit code " + std::to_string(code);
  const auto failure =
      give_back_slot(client, slot, code == 0 ? "" : "command_failed", code == 0 ? "" : detail);
  if (!failure) return;
  report({ExitCode::failure,
          "the slot could not be given back (it ends with its lease): " + failure->message});
}

int run_command(const ApiClient& client, const SlotRequest& request, const HeldSlot& slot,
                const SignalQueue& signals) {
  setenv("SIGNALBOX_SLOT", slot.id.c_str(), 1);
  setenv("SIGNALBOX_URL", request.connection.url.c_str(), 1);
  auto child = ChildProcess::start(request.command, signals.before(), signals.defaults());
  if (child.has_error()) {
    give_back(client, slot, to_int(child.error().exit_code));
    return report(child.error());
  }
  std::optional<SlotLease> lease{std::in_place, client, slot, signals.waker()};
  const int code = wait_for_command(*child, *lease, signals, request.grace);
  // Nothing is renewed any more when it is given back.
  const bool is_held = !lease->loss().has_value();
  lease.reset();
  if (is_held) give_back(client, slot, code);
  return code;
}

}  // namespace

int run_slot(const SlotRequest& request) {
  if (const auto problem = check_program(request.command.front())) return report(*problem);
  const auto client = ApiClient::make(request.connection);
  if (client.has_error()) return report(client.error());
  const SignalQueue signals;
  const Taken taken = wait_for_slot(*client, request, signals);
  if (taken.signal != 0) {
    if (taken.slot.has_value()) give_back(*client, *taken.slot, 128 + taken.signal);
    return 128 + taken.signal;
  }
  if (taken.slot.has_error()) return report(taken.slot.error());
  return run_command(*client, request, *taken.slot, signals);
}

}  // namespace signalbox::cli
