#include "simulations/scenario/workload.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace signalbox::sim {
namespace {

std::string path_of(const std::string& traces, const std::string& file) {
  return file.starts_with('/') || traces.empty() ? file : traces + "/" + file;
}

/// The same number of draws whatever comes out, so that a changed law shifts nothing.
std::optional<Duration> draw_act(const std::optional<ActLaw>& law, RandomStream& random) {
  if (!law) return std::nullopt;
  const bool is_done = random.below(100) < law->percent;
  RandomStream times{random.next(), "act"};
  if (!is_done) return std::nullopt;
  return Duration{law->after.draw(times)};
}

/// @returns what the client says of an answer's length: the truth, but for a part of it that is
/// drawn at random around the truth.
std::uint32_t declare(const ClientSpec& client, std::uint32_t tokens_out, RandomStream& guesses) {
  if (client.size_error == 0) return tokens_out;
  const std::uint64_t known = 1000 - client.size_error;
  const auto guessed =
      static_cast<std::uint64_t>(guesses.exponential(Duration{tokens_out}).count());
  const std::uint64_t said = (known * tokens_out + client.size_error * guessed + 500) / 1000;
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(said, 1, most));
}

}  // namespace

std::string session_of(const ClientSpec& client, const Arrival& arrival) {
  return arrival.session ? client.owner + " " + std::to_string(*arrival.session) : std::string{};
}

Result<Workload> Workload::open(const Scenario& scenario, std::uint64_t seed,
                                const std::string& traces) {
  Workload workload{scenario};
  workload.x_sources.reserve(scenario.clients.size());
  for (const ClientSpec& client : scenario.clients) {
    Source source{.client = &client,
                  .gaps = {seed, "arrivals/" + client.name},
                  .sizes = {seed, "sizes/" + client.name},
                  .service = {seed, "service/" + client.name},
                  .guesses = {seed, "guesses/" + client.name},
                  .acts = {seed, "acts/" + client.name},
                  .retries = {seed, "retries/" + client.name},
                  .sessions = {seed, "sessions/" + client.name},
                  .trace = nullptr,
                  .next_at = client.start};
    if (client.arrival.kind == ArrivalKind::closed) {
      source.crowd = std::make_unique<UserCrowd>(client, seed);
    }
    workload.x_sources.push_back(std::move(source));
    if (client.arrival.kind != ArrivalKind::trace) continue;
    if (auto error = workload.open_trace(workload.x_sources.back(), traces)) {
      return std::move(*error);
    }
  }
  workload.align_traces();
  for (Source& source : workload.x_sources) {
    if (auto error = workload.move_on(source)) return std::move(*error);
  }
  workload.find_earliest();
  return workload;
}

std::optional<Error> Workload::open_trace(Source& source, const std::string& traces) {
  const TraceSpec& spec = source.client->arrival.trace;
  auto opened = TraceReader::open(spec, path_of(traces, spec.file));
  if (opened.has_error()) return opened.error();
  source.trace = std::make_unique<TraceReader>(std::move(*opened));
  return read_row(source);
}

// Calendar times are of one world: the first row of all traces is the start, and the others keep
// their distance to it.
void Workload::align_traces() {
  const auto is_calendar = [](const Source& source) {
    const TraceSpec& trace = source.client->arrival.trace;
    return source.next_row && trace.time_unit == Duration::zero() && !trace.from_first;
  };
  std::optional<Duration> first;
  for (const Source& source : x_sources) {
    if (!is_calendar(source)) continue;
    first = std::min(first.value_or(source.next_row->at), source.next_row->at);
  }
  for (Source& source : x_sources) {
    const bool is_own = source.next_row && source.client->arrival.trace.from_first;
    if (is_own) source.trace_zero = source.next_row->at;
    if (is_calendar(source)) source.trace_zero = *first;
  }
}

Duration Workload::place_row(const Source& source) {
  const Duration since_zero = source.next_row->at - source.trace_zero;
  return source.client->start + at_traffic(since_zero, source.client->arrival.trace.traffic);
}

std::optional<Error> Workload::read_row(Source& source) {
  auto row = source.trace->next();
  if (row.has_error()) return row.error();
  source.next_row = *row;
  return std::nullopt;
}

std::optional<Error> Workload::move_on(Source& source) {
  const ClientSpec& client = *source.client;
  const bool is_over = client.tasks && source.made >= *client.tasks;
  if (is_over) {
    source.next_at.reset();
    return std::nullopt;
  }
  switch (client.arrival.kind) {
    case ArrivalKind::poisson:
      *source.next_at += source.gaps.exponential(client.arrival.gap);
      break;
    case ArrivalKind::constant:
      if (source.made > 0) *source.next_at += client.arrival.gap;
      break;
    case ArrivalKind::hyperexp: {
      const Hyperexp& law = client.arrival.hyperexp;
      const bool is_short = source.gaps.below(1000) < law.short_share;
      *source.next_at += source.gaps.exponential(is_short ? client.arrival.gap : law.long_gap);
      break;
    }
    case ArrivalKind::on_off:
      *source.next_at += source.bursts.next(client.arrival.on_off, client.arrival.gap, source.gaps);
      break;
    case ArrivalKind::closed:
      source.next_at = source.crowd->next_at();
      break;
    case ArrivalKind::trace:
      if (source.made > 0) {
        if (auto error = read_row(source)) return error;
      }
      source.next_at.reset();
      if (source.next_row) source.next_at = place_row(source);
      break;
    case ArrivalKind::recorded: {
      const auto& rows = *client.arrival.rows;
      source.next_at.reset();
      source.next_row.reset();
      if (source.made >= rows.size()) break;
      source.next_row = rows[source.made];
      source.next_at = client.start + source.next_row->at;
      break;
    }
  }
  return std::nullopt;
}

CallSize Workload::draw_size(Source& source) {
  const ClientSpec& client = *source.client;
  CallSize size;
  size.tokens_in = static_cast<std::uint32_t>(client.tokens_in.draw(source.sizes));
  size.tokens_out = static_cast<std::uint32_t>(client.tokens_out.draw(source.sizes));
  size.service_seed = source.service.next();
  if (source.next_row) {
    size.tokens_in = source.next_row->tokens_in.value_or(size.tokens_in);
    size.tokens_out = source.next_row->tokens_out.value_or(size.tokens_out);
    size.service = source.next_row->service;
  }
  size.declared_out = declare(client, size.tokens_out, source.guesses);
  return size;
}

CallActs Workload::draw_acts(Source& source) {
  const ClientSpec& client = *source.client;
  CallActs acts;
  acts.cancel_after = draw_act(client.cancel, source.acts);
  acts.hang_up_after = draw_act(client.hang_up, source.acts);
  acts.duplicate_after = draw_act(client.duplicate, source.acts);
  if (!source.next_row) return acts;
  const CallActs& said = source.next_row->acts;
  if (said.cancel_after) acts.cancel_after = said.cancel_after;
  if (said.hang_up_after) acts.hang_up_after = said.hang_up_after;
  if (said.duplicate_after) acts.duplicate_after = said.duplicate_after;
  return acts;
}

std::optional<std::uint32_t> Workload::draw_session(Source& source) {
  if (source.next_row && source.next_row->session) return source.next_row->session;
  if (source.client->sessions == 0) return std::nullopt;
  return static_cast<std::uint32_t>(source.sessions.below(source.client->sessions));
}

std::uint32_t Workload::take_user(Source& source) {
  const auto [user, seed] = source.crowd->take();
  source.sizes = {seed, "sizes"};
  source.service = {seed, "service"};
  source.guesses = {seed, "guesses"};
  source.acts = {seed, "acts"};
  source.retries = {seed, "retries"};
  source.sessions = {seed, "sessions"};
  return user;
}

void Workload::find_earliest() {
  x_earliest = nullptr;
  for (Source& source : x_sources) {
    if (!source.next_at) continue;
    const bool is_earlier = x_earliest == nullptr || *source.next_at < *x_earliest->next_at;
    if (is_earlier) x_earliest = &source;
  }
}

std::optional<Duration> Workload::next_at() const {
  if (x_earliest == nullptr) return std::nullopt;
  const auto& [tasks, horizon] = std::tie(x_scenario->tasks, x_scenario->horizon);
  const bool is_over = (tasks && x_made >= *tasks) || (horizon && *x_earliest->next_at > *horizon);
  if (is_over) return std::nullopt;
  return x_earliest->next_at;
}

void Workload::answered(std::uint32_t client, std::uint32_t user, Duration now) {
  Source& source = x_sources.at(client);
  source.crowd->answered(user, now);
  // Its calls are counted, and no trace is read.
  SIGNALBOX_ASSERT(!move_on(source));
  find_earliest();
}

Result<std::optional<Arrival>> Workload::next() {
  if (!next_at()) return std::optional<Arrival>{};
  Source& source = *x_earliest;
  Arrival arrival;
  arrival.at = *source.next_at;
  arrival.client = static_cast<std::uint32_t>(&source - x_sources.data());
  if (source.crowd) arrival.user = take_user(source);
  arrival.size = draw_size(source);
  arrival.acts = draw_acts(source);
  if (source.client->retry) arrival.retry_seed = source.retries.next();
  arrival.session = draw_session(source);
  ++source.made;
  ++x_made;
  if (auto error = move_on(source)) return std::move(*error);
  find_earliest();
  return std::optional<Arrival>{arrival};
}

}  // namespace signalbox::sim
