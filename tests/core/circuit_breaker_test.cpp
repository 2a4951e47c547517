// Goal: no order of sends, ends and pauses brings the breaker where it must not be. Method: every
// sequence of 8 events with rules that open at the second failure, against a model that keeps each
// call with the opening it was sent after; then the promises one by one with the real rules.
#include "core/backends/circuit_breaker.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/backends/lease.hpp"
#include "core/backends/timed_out_call.hpp"
#include "core/ports.hpp"
#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using namespace std::chrono_literals;

constexpr BreakerRules quick_rules{2, 10s, 25s};

struct ModelCall {
  std::uint32_t number = 0;
  /// How often it had opened before.
  int openings = 0;
  bool is_probe = false;
};

struct World {
  CircuitBreaker breaker{0, quick_rules};
  Instant now{};
  std::uint32_t next_call = 1;
  // The model.
  std::vector<ModelCall> calls;
  int openings = 0;
  bool is_broken = false;
  bool has_probe = false;
  Instant until{};
  Duration how_long{};
  std::uint32_t failures = 0;

  [[nodiscard]] BreakerState right_state() const {
    if (!is_broken) return BreakerState::closed;
    return now < until ? BreakerState::open : BreakerState::half_open;
  }

  void send() {
    const bool is_probe = right_state() == BreakerState::half_open && !has_probe;
    has_probe = has_probe || is_probe;
    calls.push_back({next_call, openings, is_probe});
    breaker.sent(next_call++, now);
  }

  void end(std::size_t index, LeaseOutcome outcome) {
    const ModelCall call = calls[index];
    calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(index));
    if (outcome == LeaseOutcome::succeeded) breaker.succeeded(call.number);
    if (outcome == LeaseOutcome::failed) breaker.failed(call.number, now);
    if (outcome == LeaseOutcome::untold) breaker.dropped(call.number);
    const bool is_old = is_broken && call.openings < openings;
    // A probe whose breaker has closed or opened meanwhile is a call like others.
    const bool is_probe = call.is_probe && !is_old && is_broken && has_probe && !was_closed(call);
    if (outcome == LeaseOutcome::untold) {
      if (is_probe) has_probe = false;
      return;
    }
    if (is_old) return;
    if (outcome == LeaseOutcome::succeeded) {
      failures = 0;
      is_broken = has_probe = false;
      closed_after = next_call;
      return;
    }
    ++failures;
    if (!is_broken && failures >= quick_rules.failures_to_open) {
      open(quick_rules.open_first);
    } else if (is_probe) {
      open(std::min(2 * how_long, quick_rules.open_longest));
    }
  }

  [[nodiscard]] bool was_closed(const ModelCall& call) const { return call.number < closed_after; }

  void open(Duration pause) {
    is_broken = true;
    has_probe = false;
    ++openings;
    how_long = pause;
    until = now + pause;
  }

  [[nodiscard]] std::string find_fault() const {
    if (breaker.state(now) != right_state()) return "state is another";
    if (breaker.failures() != failures) return "failures differ";
    const bool admits = right_state() == BreakerState::closed ||
                        (right_state() == BreakerState::half_open && !has_probe);
    if (breaker.admits(now) != admits) return "admits differs";
    const bool is_open = right_state() == BreakerState::open;
    if (breaker.half_open_at(now) != (is_open ? std::optional{until} : std::nullopt)) {
      return "half_open_at differs";
    }
    if (breaker.is_idle() != (!is_broken && failures == 0)) return "is_idle differs";
    return {};
  }

  std::uint32_t closed_after = 0;
};

struct Event {
  std::string name;
  /// @returns false when it cannot happen now.
  bool (*run)(World&);
};

template <LeaseOutcome Outcome, bool IsNewest>
bool end_one(World& world) {
  if (world.calls.empty() || (IsNewest && world.calls.size() == 1)) return false;
  world.end(IsNewest ? world.calls.size() - 1 : 0, Outcome);
  return true;
}

template <int Seconds>
bool pause(World& world) {
  world.now += std::chrono::seconds{Seconds};
  return true;
}

const std::vector<Event> events{
    {"send",
     [](World& world) {
       world.send();
       return true;
     }},
    {"oldest fails", end_one<LeaseOutcome::failed, false>},
    {"newest fails", end_one<LeaseOutcome::failed, true>},
    {"oldest succeeds", end_one<LeaseOutcome::succeeded, false>},
    {"newest succeeds", end_one<LeaseOutcome::succeeded, true>},
    {"oldest is dropped", end_one<LeaseOutcome::untold, false>},
    {"10 s pass", pause<10>},
};

struct Seen {
  std::size_t sequences = 0;
  std::size_t openings_twice = 0;
  std::size_t closings = 0;
};

void explore(const World& before, std::size_t depth, std::string& path, Seen& seen) {
  if (depth == 0) {
    ++seen.sequences;
    seen.openings_twice += before.openings > 1 ? 1 : 0;
    seen.closings += before.openings > 0 && !before.is_broken ? 1 : 0;
    return;
  }
  for (const Event& event : events) {
    World after = before;
    if (!event.run(after)) continue;
    const std::size_t length = path.size();
    path += ", " + event.name;
    const std::string fault = after.find_fault();
    if (!fault.empty()) FAIL(fault << "\n  after" << path);
    explore(after, depth - 1, path, seen);
    path.resize(length);
  }
}

}  // namespace

TEST_CASE("breaker: every sequence of 8 events keeps to the model", "[core][breaker][exhaustive]") {
  Seen seen;
  std::string path;
  World start;
  start.send();
  start.send();
  explore(start, 8, path, seen);
  INFO(seen.sequences << " sequences, " << seen.openings_twice << " with two openings, "
                      << seen.closings << " that closed again");
  CHECK(seen.sequences > 400'000);
  CHECK(seen.openings_twice > 1'000);
  CHECK(seen.closings > 10'000);
}

TEST_CASE("breaker: opens at the fifth failure in a row, not at five with a success between",
          "[core][breaker]") {
  CircuitBreaker breaker;
  std::uint32_t call = 0;
  const auto fail = [&] {
    breaker.sent(++call, at_s(0));
    breaker.failed(call, at_s(0));
  };
  for (int each = 0; each < 4; ++each) fail();
  CHECK(breaker.state(at_s(0)) == BreakerState::closed);
  CHECK(breaker.failures() == 4);
  breaker.sent(++call, at_s(0));
  breaker.succeeded(call);
  for (int each = 0; each < 4; ++each) fail();
  CHECK(breaker.admits(at_s(0)));
  fail();
  CHECK(breaker.state(at_s(0)) == BreakerState::open);
  CHECK_FALSE(breaker.admits(at_s(0)));
}

TEST_CASE("breaker: each failed probe doubles the pause, up to a minute", "[core][breaker]") {
  CircuitBreaker breaker;
  std::uint32_t call = 0;
  Instant now = at_s(100);
  for (int each = 0; each < 5; ++each) breaker.failed(++call, now);
  for (const int pause_s : {10, 20, 40, 60, 60}) {
    CAPTURE(pause_s);
    CHECK(breaker.half_open_at(now) == now + std::chrono::seconds{pause_s});
    CHECK(breaker.state(now + std::chrono::seconds{pause_s} - 1ns) == BreakerState::open);
    now += std::chrono::seconds{pause_s};
    CHECK(breaker.state(now) == BreakerState::half_open);
    breaker.sent(++call, now);
    CHECK_FALSE(breaker.admits(now));
    breaker.failed(call, now);
  }
  now += 60s;
  breaker.sent(++call, now);
  breaker.succeeded(call);
  CHECK(breaker.is_idle());
  // Healed: the next opening is a short one again.
  for (int each = 0; each < 5; ++each) breaker.failed(++call, now);
  CHECK(breaker.half_open_at(now) == now + 10s);
}

TEST_CASE("breaker: calls from before it was made are from before it opened", "[core][breaker]") {
  // Calls 1-9 are out when the first of them fails and the breaker is made.
  CircuitBreaker breaker{9};
  for (std::uint32_t call = 1; call <= 5; ++call) breaker.failed(call, at_s(0));
  REQUIRE(breaker.state(at_s(0)) == BreakerState::open);
  breaker.succeeded(6);
  CHECK(breaker.state(at_s(0)) == BreakerState::open);
  breaker.sent(10, at_s(1));
  breaker.succeeded(10);
  CHECK(breaker.is_idle());
}

TEST_CASE("breaker: what counts against a backend and what does not", "[core][breaker]") {
  const auto counts = [](ErrorCode code, bool is_retryable, int status = 0) {
    BackendFailed failed;
    failed.error = make_error(code, "x");
    failed.error.backend_status = status;
    failed.retryable = is_retryable;
    return counts_against_backend(failed);
  };
  CHECK(counts(ErrorCode::backend_unreachable, true));
  CHECK(counts(ErrorCode::backend_stream_failed, true));
  CHECK(counts(ErrorCode::backend_stream_failed, false));
  CHECK(counts(ErrorCode::worker_lost, false));
  // A 5xx is not passed on, so it has no status of its own.
  CHECK(counts(ErrorCode::backend_error, true));
  CHECK_FALSE(counts(ErrorCode::backend_error, true, 429));
  CHECK_FALSE(counts(ErrorCode::backend_error, true, 408));
  CHECK_FALSE(counts(ErrorCode::backend_error, false, 400));
  CHECK_FALSE(counts(ErrorCode::backend_error, false));
  CHECK_FALSE(counts(ErrorCode::inference_timeout, false));
  CHECK_FALSE(counts(ErrorCode::task_cancelled, false));
}

TEST_CASE("breaker: a silence counts that was long enough", "[core][breaker]") {
  CHECK(counts_against_backend(TimedOutCall{false, 120s}));
  CHECK(counts_against_backend(TimedOutCall{false, silence_that_counts}));
  // Nobody knows what it would have said.
  CHECK_FALSE(counts_against_backend(TimedOutCall{false, silence_that_counts - 1ns}));
  // It answers, and takes longer than its caller allows.
  CHECK_FALSE(counts_against_backend(TimedOutCall{true, 120s}));
}

}  // namespace signalbox::test
