#include "simulations/scenario/fault.hpp"

#include <array>

#include "core/admission/profile_settings.hpp"
#include "core/base/error.hpp"

namespace signalbox::sim {
namespace {

constexpr std::int64_t messages_max = 1'000'000;
constexpr std::int64_t commits_max = 1'000'000;
constexpr std::int64_t tokens_max = 1'000'000'000'000;

/// A server that comes and goes more often is no event any more.
constexpr std::chrono::milliseconds flap_min{1};

constexpr FaultShape of_backend(FaultKind kind, std::string_view name) {
  return {.kind = kind, .name = name, .target = FaultTarget::backend, .has_lasts = true};
}

constexpr FaultShape of_profile(FaultKind kind, std::string_view name, std::string_view key,
                                std::int64_t min, std::int64_t max) {
  return {.kind = kind,
          .name = name,
          .target = FaultTarget::profile,
          .has_lasts = kind != FaultKind::edit_slots && kind != FaultKind::drop_profile,
          .amount_key = key,
          .amount_min = min,
          .amount_max = max};
}

constexpr FaultShape of_broker(FaultKind kind, std::string_view name, std::string_view key,
                               std::int64_t max) {
  return {.kind = kind,
          .name = name,
          .target = FaultTarget::broker,
          .has_lasts = kind != FaultKind::full_disk,
          .amount_key = key,
          .amount_max = max};
}

constexpr FaultShape with_amount(FaultShape shape, std::string_view key, std::int64_t min,
                                 std::int64_t max) {
  shape.amount_key = key;
  shape.amount_min = min;
  shape.amount_max = max;
  return shape;
}

constexpr FaultShape with_delay(FaultShape shape, std::string_view key, Duration min = {}) {
  shape.delay_key = key;
  shape.delay_min = min;
  return shape;
}

constexpr FaultShape with_word(FaultShape shape, std::string_view key) {
  shape.word_key = key;
  return shape;
}

constexpr std::array<FaultShape, fault_kind_count> shapes{
    of_backend(FaultKind::refuse, "refuse"),
    of_backend(FaultKind::hang, "hang"),
    with_delay(of_backend(FaultKind::slow_start, "slow_start"), "delay_s"),
    with_delay(with_amount(of_backend(FaultKind::stall, "stall"), "after_percent", 0, 100),
               "delay_s"),
    with_delay(with_amount(of_backend(FaultKind::cut, "cut"), "after_percent", 0, 100),
               "done_after_s"),
    with_delay(with_amount(of_backend(FaultKind::status, "status"), "status", 400, 599),
               "retry_after_s"),
    of_backend(FaultKind::garbage, "garbage"),
    with_delay(of_backend(FaultKind::late_completion, "late_completion"), "delay_s"),
    of_backend(FaultKind::double_completion, "double_completion"),
    with_delay(of_backend(FaultKind::slow_abort, "slow_abort"), "delay_s"),
    with_amount(of_backend(FaultKind::wrong_usage, "wrong_usage"), "tokens", 0, tokens_max),
    of_backend(FaultKind::gone, "gone"),
    of_backend(FaultKind::death, "death"),
    with_delay(of_backend(FaultKind::flapping, "flapping"), "every_s", flap_min),
    with_amount(of_backend(FaultKind::capacity, "capacity"), "capacity", 1, max_concurrent_max),
    of_profile(FaultKind::slots, "slots", "slots", 0, max_concurrent_max),
    of_profile(FaultKind::bound, "bound", "max_queued", 0, max_queued_max),
    with_word(of_profile(FaultKind::policy, "policy", "", 0, 0), "policy"),
    of_profile(FaultKind::edit_slots, "edit_slots", "slots", 0, max_concurrent_max),
    of_profile(FaultKind::drop_profile, "drop_profile", "", 0, 0),
    of_broker(FaultKind::crash, "crash", "messages", messages_max),
    of_broker(FaultKind::crash_before_commit, "crash_before_commit", "commits", commits_max),
    of_broker(FaultKind::crash_after_commit, "crash_after_commit", "commits", commits_max),
    of_broker(FaultKind::full_disk, "full_disk", "commits", commits_max),
    with_delay(of_broker(FaultKind::slow_sync, "slow_sync", "", 0), "delay_s"),
    with_delay(of_broker(FaultKind::drain, "drain", "", 0), "grace_s"),
    with_delay(of_broker(FaultKind::wall_jump, "wall_jump", "", 0), "by_s"),
};

constexpr bool is_in_order() {
  for (std::size_t index = 0; index < shapes.size(); ++index) {
    if (static_cast<std::size_t>(shapes[index].kind) != index) return false;
  }
  return true;
}
static_assert(is_in_order());

}  // namespace

std::span<const FaultShape> fault_shapes() {
  return shapes;
}

const FaultShape& shape_of(FaultKind kind) {
  return shapes[static_cast<std::size_t>(kind)];
}

}  // namespace signalbox::sim
