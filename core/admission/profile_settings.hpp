// What a profile may do (mission A1, A3, A4, A6): the settings that config, PUT and
// auto-registration share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/policies/policy_options.hpp"

namespace signalbox {

/// How far an acknowledgement waits for the disk.
enum class CommitMode : std::uint8_t {
  /// Synced before a task is dispatched or answered.
  sync = 0,
  /// Written with the next commit; a crash may lose the last few milliseconds of calls nobody was
  /// promised.
  relaxed = 1,
};

/// Which calls may lose their slot to an interactive one.
enum class Preempt : std::uint8_t {
  none = 0,
  /// Background tasks: they go back to pending.
  background = 1,
};

std::string_view to_string(Preempt preempt);
std::optional<Preempt> parse_preempt(std::string_view word);

/// Between which the slots of a profile may go.
struct SlotBounds {
  /// Range: 1..max.
  std::uint32_t min = 1;
  /// Range: min..10000.
  std::uint32_t max = 1;

  friend bool operator==(const SlotBounds&, const SlotBounds&) = default;
};

struct ProfileSettings {
  /// Slots. Unset = the capacities of its live executors added up, 1 when there are none. Range:
  /// 0..10000, 0 = paused.
  std::optional<std::uint32_t> max_concurrent;
  /// Waiting callers per class. Range: 0..100000.
  std::uint32_t max_queued = 32;
  /// Unit: s. Range: 0.001..86400.
  double default_queue_wait_s = 20;
  /// Unit: s. Range: 0.001..86400.
  double default_inference_s = 120;
  /// Order of grants: strict, aging, fair, sjf or swap.
  std::string policy = "strict";
  /// Unset = the store's.
  std::optional<CommitMode> commit;
  PolicyOptions policy_options = {};
  Preempt preempt = Preempt::none;
  /// How often one task may be sent back so. Range: 0..1000.
  std::uint32_t preempt_budget = 2;
  /// It finds its own number of slots and begins with max_concurrent, as far as these bounds go, or
  /// with the fewest. Unset = it does not.
  std::optional<SlotBounds> tune_slots = {};

  /// @returns the slots that it begins with, as far as they do not follow its backends.
  [[nodiscard]] std::optional<std::uint32_t> first_slots() const;
  /// @returns the most that it can come to, likewise.
  [[nodiscard]] std::optional<std::uint32_t> most_slots() const;

  friend bool operator==(const ProfileSettings&, const ProfileSettings&) = default;
};

inline constexpr std::uint32_t max_concurrent_max = 10'000;
inline constexpr std::uint32_t max_queued_max = 100'000;
inline constexpr std::uint32_t preempt_budget_max = 1'000;
inline constexpr double budget_s_min = 0.001;
inline constexpr double budget_s_max = 86'400;

/// @returns nothing when every value is in range, else `invalid_request` with the field in `param`.
std::optional<Error> check(const ProfileSettings& settings);

/// The settings as one line of text, for the store. Every past form stays readable.
std::string encode(const ProfileSettings& settings);
/// @returns nothing when the text is not one that encode() ever made.
std::optional<ProfileSettings> decode_profile_settings(std::string_view text);

}  // namespace signalbox
