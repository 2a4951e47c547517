// Keeps calls away from a backend that fails them (per LLM, so that one broken model does not shut
// out its server's others). Pure: `now` is handed in.
//
//            failures in a row           its time is over
//   closed ─────────────────────▶ open ──────────────────▶ half_open ── one probe at a time
//     ▲                            ▲  twice as long as before  │ │
//     │                            └────────── failed ─────────┘ │
//     └────────────────────────── succeeded ─────────────────────┘
//
// Calls go by their lease's number. What was sent before it opened says nothing about now, however
// it ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/time.hpp"

namespace signalbox {

struct BackendFailed;

struct BreakerRules {
  std::uint32_t failures_to_open = 5;
  Duration open_first = std::chrono::seconds{10};
  Duration open_longest = std::chrono::seconds{60};
};

enum class BreakerState : std::uint8_t { closed, open, half_open };

std::string_view to_string(BreakerState state);

class CircuitBreaker {
 public:
  /// @param newest_call the last call that was sent before there was a breaker.
  explicit CircuitBreaker(std::uint32_t newest_call = 0, BreakerRules rules = {})
      : x_rules{rules}, x_newest_call{newest_call} {}

  [[nodiscard]] BreakerState state(Instant now) const;
  /// A call may go there: it is closed, or this one would be the probe.
  [[nodiscard]] bool admits(Instant now) const;
  /// In a row, of calls that count.
  [[nodiscard]] std::uint32_t failures() const { return x_failures; }
  /// @returns when it turns half-open, unless it has.
  [[nodiscard]] std::optional<Instant> half_open_at(Instant now) const;
  /// It is as a new one would be.
  [[nodiscard]] bool is_idle() const { return !x_is_open && x_failures == 0; }

  /// Calls may be sent whatever the state: where every backend is broken, one of them has to do.
  void sent(std::uint32_t call, Instant now);
  void succeeded(std::uint32_t call);
  void failed(std::uint32_t call, Instant now);
  /// It ended in a way that says nothing about the backend.
  void dropped(std::uint32_t call);

 private:
  [[nodiscard]] bool is_outdated(std::uint32_t call) const {
    return x_is_open && call <= x_newest_at_opening;
  }
  void open(Instant now, Duration how_long);

  BreakerRules x_rules;
  std::uint32_t x_failures = 0;
  std::uint32_t x_newest_call = 0;
  bool x_is_open = false;
  // Below: while it is open, or half-open.
  std::uint32_t x_newest_at_opening = 0;
  Instant x_open_until{};
  Duration x_open_for{};
  std::optional<std::uint32_t> x_probe;
};

/// @returns whether a call that failed so counts against its backend. The request's own faults
/// (4xx) and load (429) do not.
bool counts_against_backend(const BackendFailed& failed);

}  // namespace signalbox
