#include "simulations/campaign/draw_faults.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace signalbox::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration beat = 50ms;
/// At most, in a run.
constexpr std::uint64_t faults_max = 16;

std::uint64_t between(RandomStream& random, std::uint64_t low, std::uint64_t high) {
  return low + random.below(high - low + 1);
}

template <class Value, std::size_t count>
Value any(RandomStream& random, const std::array<Value, count>& values) {
  return values[random.below(count)];
}

/// Each run has half of the kinds, so that one kind's faults meet each other, too.
std::vector<FaultKind> draw_kinds(RandomStream& random) {
  std::vector<FaultKind> kinds;
  for (const FaultShape& shape : fault_shapes()) {
    if (random.below(2) == 0) kinds.push_back(shape.kind);
  }
  return kinds;
}

std::int64_t draw_amount(FaultKind kind, RandomStream& random) {
  switch (kind) {
    case FaultKind::status:
      return any(random, std::array<std::int64_t, 6>{400, 404, 408, 429, 500, 503});
    case FaultKind::stall:
    case FaultKind::cut:
      return static_cast<std::int64_t>(random.below(101));
    case FaultKind::capacity:
    case FaultKind::edit_slots:
      return static_cast<std::int64_t>(between(random, 1, 4));
    case FaultKind::slots:
    case FaultKind::bound:
      return static_cast<std::int64_t>(random.below(5));
    case FaultKind::crash:
      return static_cast<std::int64_t>(random.below(200));
    case FaultKind::crash_before_commit:
    case FaultKind::crash_after_commit:
      return static_cast<std::int64_t>(random.below(20));
    case FaultKind::full_disk:
      return static_cast<std::int64_t>(between(random, 1, 10));
    case FaultKind::wrong_usage:
      // Around the largest count that is believed.
      return any(random, std::array<std::int64_t, 5>{0, 1, UINT32_MAX, UINT32_MAX + std::int64_t{1},
                                                     1'000'000'000'000});
    default:
      return 0;
  }
}

Duration draw_delay(FaultKind kind, RandomStream& random) {
  switch (kind) {
    case FaultKind::flapping:
      return any(random, std::array<Duration, 4>{10ms, 200ms, 1s, 5s});
    case FaultKind::wall_jump:
      // Beyond what waits at all, and what is kept.
      return any(random, std::array<Duration, 4>{1ms, 5s, 1h, 200h});
    default:
      return any(random, std::array<Duration, 5>{0ms, 10ms, 200ms, 1s, 5s});
  }
}

std::string draw_target(const Scenario& scenario, FaultTarget target, RandomStream& random) {
  if (target == FaultTarget::broker) return {};
  if (target == FaultTarget::backend) {
    return scenario.backends[random.below(scenario.backends.size())].name;
  }
  auto profile = scenario.profiles.begin();
  std::advance(profile, static_cast<std::ptrdiff_t>(random.below(scenario.profiles.size())));
  return profile->first;
}

Fault draw_fault(const Scenario& scenario, FaultKind kind, Duration length, RandomStream& random) {
  const FaultShape& shape = shape_of(kind);
  Fault fault;
  fault.kind = kind;
  fault.target = draw_target(scenario, shape.target, random);
  fault.at = Duration{static_cast<std::int64_t>(
      random.below(static_cast<std::uint64_t>(std::max<Duration>(length, 1s).count())))};
  const Duration mean = shape.target == FaultTarget::broker ? Duration{500ms} : length / 30;
  if (shape.has_lasts) fault.lasts = random.exponential(std::max<Duration>(mean, 100ms));
  if (!shape.amount_key.empty()) fault.amount = draw_amount(kind, random);
  if (kind == FaultKind::edit_slots) {
    // A configuration with no slot beside the reserve is refused.
    const auto& options = scenario.profiles.at(fault.target).policy_options;
    fault.amount = std::max<std::int64_t>(fault.amount, options.reserve_interactive + 1);
  }
  if (!shape.delay_key.empty()) fault.delay = draw_delay(kind, random);
  if (!shape.word_key.empty()) {
    fault.word = any(random, std::array<std::string, 5>{"strict", "aging", "fair", "sjf", "swap"});
  }
  return fault;
}

}  // namespace

void draw_faults(Scenario& scenario, Duration length, bool has_beat, RandomStream& random) {
  const std::vector<FaultKind> kinds = draw_kinds(random);
  const std::uint64_t count = random.below(faults_max + 1);
  if (kinds.empty()) return;
  for (std::uint64_t number = 0; number < count; ++number) {
    const FaultKind kind = kinds[random.below(kinds.size())];
    Fault fault = draw_fault(scenario, kind, length, random);
    if (has_beat) {
      fault.at -= fault.at % beat;
      fault.lasts -= fault.lasts % beat;
    }
    scenario.faults.push_back(std::move(fault));
  }
  std::stable_sort(scenario.faults.begin(), scenario.faults.end(),
                   [](const Fault& left, const Fault& right) { return left.at < right.at; });
}

}  // namespace signalbox::sim
