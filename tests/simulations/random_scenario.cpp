#include "tests/simulations/random_scenario.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>

#include "simulations/scenario/random.hpp"

namespace signalbox::testing {
namespace {

using sim::Law;
using sim::LawKind;

/// 366 days.
constexpr std::uint64_t longest_ns = 366ULL * 86'400 * 1'000'000'000;

/// Draws values of every kind, the ends of their ranges more often than chance would.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : x_random{seed, "any scenario"} {}

  /// One of 0..choices-1, each as likely.
  std::uint64_t pick(std::uint64_t choices) { return x_random.below(choices); }

  bool coin() { return x_random.below(2) == 0; }

  std::uint64_t number(std::uint64_t min, std::uint64_t max) {
    if (x_random.below(8) == 0) return coin() ? min : max;
    // Of every length, so that small ones are not rare.
    const std::uint64_t width = static_cast<std::uint64_t>(std::bit_width(max - min));
    const std::uint64_t span = (max - min) >> x_random.below(std::max<std::uint64_t>(width, 1));
    return min + (span == UINT64_MAX ? x_random.next() : x_random.below(span + 1));
  }

  std::uint32_t count(std::uint64_t min, std::uint64_t max) {
    return static_cast<std::uint32_t>(number(min, max));
  }

  Duration time(std::uint64_t min_ns, std::uint64_t max_ns) {
    return Duration{static_cast<std::int64_t>(number(min_ns, max_ns))};
  }
  Duration time() { return time(0, longest_ns); }

  double seconds(double min, double max) {
    return min + (max - min) * static_cast<double>(x_random.below(1'000'001)) / 1e6;
  }

  /// A name as a file may have it: some look like YAML's words, numbers and marks.
  std::string name(const std::string& stem) {
    constexpr std::array<std::string_view, 10> tails{"",   "null", "-",    ":",    "1e3",
                                                     "@x", "+",    ".5/a", "true", "a:b"};
    return std::string{tails.at(x_random.below(tails.size()))} + stem +
           std::string{tails.at(x_random.below(tails.size()))};
  }

  /// Any text in one line, as a trace's columns may be called.
  std::string text() {
    constexpr std::array<std::string_view, 8> pieces{"time",   " ",  "\"", "\\",
                                                     "\x01\t", ": ", "#",  "\xC3\xA9"};
    std::string text = "c";
    for (std::uint64_t left = x_random.below(5); left > 0; --left) {
      text += pieces.at(x_random.below(pieces.size()));
    }
    return text;
  }

  template <class Value, std::size_t Size>
  Value one_of(const std::array<Value, Size>& values) {
    return values.at(x_random.below(Size));
  }

 private:
  sim::RandomStream x_random;
};

Law draw_law(Draw& draw, std::uint64_t max) {
  const auto low = static_cast<std::int64_t>(draw.number(0, max));
  switch (draw.pick(3)) {
    case 0:
      return {LawKind::constant, low};
    case 1:
      return {LawKind::exponential, low};
    default:
      return {LawKind::uniform, low,
              static_cast<std::int64_t>(draw.number(static_cast<std::uint64_t>(low), max))};
  }
}

sim::ServiceLaw draw_service(Draw& draw) {
  constexpr std::uint64_t minute = 60'000'000'000;
  const auto per_token = [&] { return draw.coin() ? draw.time(0, minute) : Duration{}; };
  return {draw_law(draw, longest_ns), per_token(), per_token()};
}

std::optional<Duration> maybe_time(Draw& draw) {
  return draw.coin() ? std::optional{draw.time()} : std::nullopt;
}

std::shared_ptr<const std::vector<sim::TraceRow>> draw_calls(Draw& draw) {
  std::vector<sim::TraceRow> rows(draw.pick(5));
  for (sim::TraceRow& row : rows) {
    row.at = draw.time();
    if (draw.coin()) row.tokens_in = draw.count(0, 1'000'000);
    if (draw.coin()) row.tokens_out = draw.count(0, 1'000'000);
    row.service = maybe_time(draw);
    row.acts = {maybe_time(draw), maybe_time(draw), maybe_time(draw)};
    if (draw.coin()) row.session = draw.count(0, 1'000'000);
  }
  std::sort(rows.begin(), rows.end(),
            [](const auto& left, const auto& right) { return left.at < right.at; });
  return std::make_shared<const std::vector<sim::TraceRow>>(std::move(rows));
}

std::optional<sim::ActLaw> maybe_act(Draw& draw) {
  if (draw.coin()) return std::nullopt;
  return sim::ActLaw{draw_law(draw, longest_ns), draw.count(0, 100)};
}

std::optional<sim::RetryLaw> maybe_retry(Draw& draw) {
  if (draw.coin()) return std::nullopt;
  constexpr std::uint64_t longest = std::uint64_t{sim::backoff_s_max} * 1'000'000'000;
  sim::RetryLaw retry;
  retry.tries = draw.count(2, sim::tries_max);
  retry.backoff = draw.time(0, longest);
  if (draw.coin()) retry.factor = draw.count(1, sim::backoff_factor_max);
  if (draw.coin()) retry.backoff_max = draw.time(0, longest);
  if (draw.coin()) retry.jitter = draw.count(0, 1'000);
  retry.heeds_retry_after = draw.coin();
  return retry;
}

sim::Fault draw_fault(Draw& draw, const sim::Scenario& scenario) {
  const auto shapes = sim::fault_shapes();
  const sim::FaultShape& shape = shapes[draw.pick(shapes.size())];
  sim::Fault fault;
  fault.kind = shape.kind;
  if (shape.target == sim::FaultTarget::backend) fault.target = scenario.backends.front().name;
  if (shape.target == sim::FaultTarget::profile) fault.target = scenario.profiles.begin()->first;
  fault.at = draw.time();
  if (shape.has_lasts && draw.coin()) fault.lasts = draw.time();
  if (!shape.amount_key.empty()) {
    fault.amount =
        static_cast<std::int64_t>(draw.number(static_cast<std::uint64_t>(shape.amount_min),
                                              static_cast<std::uint64_t>(shape.amount_max)));
  }
  const bool needs_delay = shape.delay_min > Duration::zero();
  if (!shape.delay_key.empty() && (needs_delay || draw.coin())) {
    fault.delay = draw.time(static_cast<std::uint64_t>(shape.delay_min.count()), longest_ns);
  }
  if (!shape.word_key.empty()) fault.word = "aging";
  return fault;
}

sim::ArrivalLaw draw_arrival(Draw& draw) {
  sim::ArrivalLaw arrival;
  switch (draw.pick(7)) {
    case 4:
      arrival.kind = sim::ArrivalKind::hyperexp;
      arrival.gap = draw.time();
      arrival.hyperexp = {draw.time(), draw.count(0, 1'000)};
      return arrival;
    case 5:
      arrival.kind = sim::ArrivalKind::on_off;
      arrival.gap = draw.time();
      arrival.on_off = {
          std::max<Duration>(draw.time(), arrival.gap / 1'000 + std::chrono::milliseconds{1}),
          draw.time()};
      return arrival;
    case 6:
      arrival.kind = sim::ArrivalKind::closed;
      arrival.closed.users = draw.count(1, 100'000);
      arrival.closed.think = {LawKind::exponential,
                              static_cast<std::int64_t>(draw.number(1'000'000, longest_ns))};
      return arrival;
    case 0:
      arrival.gap = draw.time();
      return arrival;
    case 1:
      arrival.kind = sim::ArrivalKind::constant;
      arrival.gap = draw.time();
      return arrival;
    case 2:
      arrival.kind = sim::ArrivalKind::recorded;
      arrival.rows = draw_calls(draw);
      return arrival;
    default:
      arrival.kind = sim::ArrivalKind::trace;
      arrival.trace = {
          draw.text(),
          draw.text(),
          draw.coin() ? "" : draw.text(),
          draw.coin() ? "" : draw.text(),
          draw.one_of<Duration, 4>({Duration{}, std::chrono::seconds{1},
                                    std::chrono::milliseconds{1}, std::chrono::microseconds{1}}),
          draw.coin(),
          draw.count(1, 1'000'000)};
      return arrival;
  }
}

ProfileSettings draw_profile(Draw& draw) {
  ProfileSettings settings;
  PolicyOptions& options = settings.policy_options;
  if (draw.coin()) settings.max_concurrent = draw.count(0, max_concurrent_max);
  if (draw.coin()) settings.max_queued = draw.count(0, max_queued_max);
  if (draw.coin()) settings.default_queue_wait_s = draw.seconds(budget_s_min, budget_s_max);
  if (draw.coin()) settings.default_inference_s = draw.seconds(budget_s_min, budget_s_max);
  settings.policy = draw.one_of<const char*, 5>({"strict", "aging", "fair", "sjf", "swap"});
  if (draw.coin()) settings.commit = draw.coin() ? CommitMode::sync : CommitMode::relaxed;
  const std::uint32_t slots = settings.max_concurrent.value_or(0);
  if (slots > 0 && draw.coin()) options.reserve_interactive = draw.count(0, slots - 1);
  if (draw.coin()) options.background_trickle = draw.count(0, background_trickle_max);
  for (auto& weight : options.aging_weights) {
    if (draw.coin()) weight = draw.count(1, aging_weight_max);
  }
  for (std::uint64_t left = draw.pick(4); left > 0; --left) {
    options.fair_weights[draw.name("o" + std::to_string(left))] = draw.count(1, owner_weight_max);
  }
  if (draw.coin()) options.sjf_max_bypass_s = draw.seconds(0, max_bypass_s_max);
  if (draw.coin()) options.swap_max_bypass_s = draw.seconds(0, max_bypass_s_max);
  if (draw.coin()) options.swap_hold_s = draw.seconds(0, hold_s_max);
  if (draw.coin()) options.swap_min_batch = draw.count(min_batch_min, min_batch_max);
  if (draw.coin()) {
    const std::uint32_t min = draw.count(options.reserve_interactive + 1, max_concurrent_max);
    settings.tune_slots = SlotBounds{min, draw.count(min, max_concurrent_max)};
  }
  return settings;
}

sim::BackendSpec draw_backend(Draw& draw, std::size_t index) {
  sim::BackendSpec spec;
  spec.name = draw.name("b" + std::to_string(index));
  if (draw.coin()) spec.pool = draw.name("pool");
  if (draw.coin()) spec.model = draw.name("model");
  if (draw.coin()) spec.capacity = draw.count(1, max_concurrent_max);
  spec.service = draw_service(draw);
  if (draw.pick(4) == 0) {
    spec.worker.emplace();
    if (draw.coin()) spec.worker->heartbeat = draw.time(10'000'000, longest_ns);
    spec.worker->wakes_in = maybe_time(draw);
    return spec;
  }
  spec.reports_usage = draw.coin();
  switch (draw.pick(3)) {
    case 0:
      // Its models are its names then.
      spec.pool.clear();
      spec.model.clear();
      for (std::uint64_t left = 1 + draw.pick(3); left > 0; --left) {
        spec.models.push_back(draw.name(spec.name + "m" + std::to_string(left)));
      }
      if (draw.coin()) spec.swap = draw.time();
      break;
    case 1:
      spec.slowdown.per_call = draw.count(1, 100'000);
      if (draw.coin()) {
        spec.slowdown.knee = draw.count(1, max_concurrent_max);
        spec.slowdown.per_call_beyond = draw.count(0, 100'000);
      }
      break;
    default:
      break;
  }
  return spec;
}

/// A server that slows down stops at once.
bool fits(const sim::Fault& fault, const sim::Scenario& scenario) {
  const bool speaks_after_abort =
      fault.kind == sim::FaultKind::late_completion || fault.kind == sim::FaultKind::slow_abort;
  return !speaks_after_abort ||
         std::none_of(scenario.backends.begin(), scenario.backends.end(), [&](const auto& spec) {
           return spec.name == fault.target && !spec.slowdown.is_none();
         });
}

sim::SlotUse draw_slot_use(Draw& draw) {
  sim::SlotUse slot;
  slot.hold = draw_service(draw);
  if (draw.coin()) return slot;
  slot.lease = draw.time(1, longest_ns);
  if (draw.coin()) slot.renew_every = draw.time(1'000'000, longest_ns);
  return slot;
}

sim::ClientSpec draw_client(Draw& draw, const sim::Scenario& scenario, std::size_t index) {
  constexpr std::uint64_t budget_min = 1'000'000;
  constexpr std::uint64_t budget_max = 86'400'000'000'000;
  sim::ClientSpec client;
  client.name = draw.name("c" + std::to_string(index));
  client.priority = draw.one_of(all_priorities);
  client.owner = draw.coin() ? client.name : draw.name("owner");
  client.profile = std::next(scenario.profiles.begin(),
                             static_cast<std::ptrdiff_t>(draw.pick(scenario.profiles.size())))
                       ->first;
  const sim::BackendSpec& backend = scenario.backends[draw.pick(scenario.backends.size())];
  client.target = backend.models.empty() ? backend.name : backend.models.front();
  client.arrival = draw_arrival(draw);
  if (draw.coin()) client.tokens_in = draw_law(draw, 1'000'000);
  if (draw.coin()) client.tokens_out = draw_law(draw, 1'000'000);
  if (draw.coin()) client.queue_wait = draw.time(budget_min, budget_max);
  if (draw.coin()) client.inference = draw.time(budget_min, budget_max);
  if (draw.pick(4) == 0) {
    client.target.clear();
    client.slot = draw_slot_use(draw);
  }
  client.cancel = maybe_act(draw);
  client.hang_up = maybe_act(draw);
  if (draw.coin()) client.tasks = draw.number(0, 1'000'000'000);
  if (draw.coin()) client.start = draw.time();
  // The rest is no matter of a slot.
  if (client.slot) return client;
  if (draw.coin()) client.sessions = draw.count(0, 1'000'000);
  client.declares_size = draw.coin();
  client.declares_input = draw.coin();
  if (draw.coin()) client.size_error = draw.count(0, 1'000);
  client.is_async = draw.coin();
  client.streaming = draw.coin();
  client.duplicate = maybe_act(draw);
  client.retry = maybe_retry(draw);
  return client;
}

}  // namespace

sim::Scenario draw_any_scenario(std::uint64_t seed) {
  Draw draw{seed};
  sim::Scenario scenario;
  scenario.name = "any";
  if (draw.coin()) scenario.seed = draw.number(0, UINT64_MAX);
  if (draw.coin()) scenario.tasks = draw.number(1, 1'000'000'000);
  scenario.horizon = draw.time();
  if (draw.coin()) scenario.warmup_tasks = draw.number(0, 1'000'000'000);
  if (draw.coin()) scenario.commit = CommitMode::relaxed;
  for (std::uint64_t left = 1 + draw.pick(4); left > 0; --left) {
    scenario.profiles[draw.name("p" + std::to_string(left))] = draw_profile(draw);
  }
  for (std::uint64_t left = 1 + draw.pick(4); left > 0; --left) {
    scenario.backends.push_back(draw_backend(draw, scenario.backends.size()));
  }
  if (draw.coin()) scenario.worker_timeout = draw.time();
  for (std::uint64_t left = draw.pick(3); left > 0; --left) {
    scenario.pools[draw.name("pool" + std::to_string(left))] = draw.one_of<ChoiceKind, 3>(
        {ChoiceKind::affinity, ChoiceKind::first_match, ChoiceKind::round_robin});
  }
  for (std::uint64_t left = draw.pick(6); left > 0; --left) {
    scenario.clients.push_back(draw_client(draw, scenario, scenario.clients.size()));
  }
  for (std::uint64_t left = draw.pick(5); left > 0; --left) {
    const sim::Fault fault = draw_fault(draw, scenario);
    if (fits(fault, scenario)) scenario.faults.push_back(fault);
  }
  scenario.has_breaker = draw.coin();
  if (draw.coin()) scenario.schedule_seed = draw.number(0, UINT64_MAX);
  if (draw.coin()) {
    scenario.gc = {draw.count(1, 86'400), draw.count(1, 31'536'000), draw.count(1, 315'360'000),
                   draw.count(1, 315'360'000)};
  }
  return scenario;
}

}  // namespace signalbox::testing
