// The numbers of explicit calls, and the pauses between all that happens: smaller and rounder.
#include <set>

#include "simulations/campaign/shrink_dial.hpp"
#include "simulations/scenario/freeze.hpp"

namespace signalbox::sim {
namespace {

void edit_rows(ClientSpec& client, const std::function<void(std::vector<TraceRow>&)>& edit) {
  std::vector<TraceRow> rows = *client.arrival.rows;
  edit(rows);
  client.arrival.rows = std::make_shared<const std::vector<TraceRow>>(std::move(rows));
}

/// A number of a call that may be unset, which is less than any.
template <class Number>
using FindInRow = std::optional<Number>& (*)(TraceRow&);

std::optional<Duration>& cancel_of(TraceRow& row) {
  return row.acts.cancel_after;
}
std::optional<Duration>& hang_up_of(TraceRow& row) {
  return row.acts.hang_up_after;
}
std::optional<Duration>& duplicate_of(TraceRow& row) {
  return row.acts.duplicate_after;
}
std::optional<Duration>& service_of(TraceRow& row) {
  return row.service;
}
std::optional<std::uint32_t>& tokens_in_of(TraceRow& row) {
  return row.tokens_in;
}
std::optional<std::uint32_t>& tokens_out_of(TraceRow& row) {
  return row.tokens_out;
}

std::optional<std::uint32_t>& session_in(TraceRow& row) {
  return row.session;
}

/// Where a call is in a scenario.
struct RowPlace {
  std::size_t client = 0;
  std::size_t row = 0;
};

TraceRow row_at(const Scenario& scenario, RowPlace place) {
  return scenario.clients.at(place.client).arrival.rows->at(place.row);
}

template <class Number>
void set_number(Scenario& scenario, RowPlace place, FindInRow<Number> find,
                std::optional<Number> number) {
  edit_rows(scenario.clients.at(place.client),
            [&](std::vector<TraceRow>& rows) { find(rows.at(place.row)) = number; });
}

template <class Number>
void lower(Shrinking& shrinking, RowPlace place, FindInRow<Number> find) {
  TraceRow row = row_at(shrinking.best(), place);
  if (!find(row)) return;
  Dial dial;
  dial.is_time = std::is_same_v<Number, Duration>;
  dial.get = [=](const Scenario& scenario) {
    TraceRow now = row_at(scenario, place);
    return to_count(find(now).value());
  };
  dial.set = [=](Scenario& scenario, std::int64_t value) {
    set_number<Number>(scenario, place, find, static_cast<Number>(value));
  };
  turn_down(shrinking, dial);
}

template <class Number>
void drop_or_lower(Shrinking& shrinking, RowPlace place, FindInRow<Number> find) {
  Scenario candidate = shrinking.best();
  set_number<Number>(candidate, place, find, std::nullopt);
  if (!shrinking.attempt(candidate)) lower(shrinking, place, find);
}

void lower_call(Shrinking& shrinking, RowPlace place) {
  for (const auto act : {cancel_of, hang_up_of, duplicate_of}) {
    drop_or_lower(shrinking, place, act);
  }
  for (const auto count : {tokens_in_of, tokens_out_of, session_in}) {
    drop_or_lower(shrinking, place, count);
  }
  // Never dropped: it would be the backend's to draw.
  lower(shrinking, place, service_of);
}

// -- pauses
// -------------------------------------------------------------------------------------------------------

/// When calls and faults come, each moment once, in order.
std::vector<Duration> moments_of(const Scenario& scenario) {
  std::set<Duration> moments;
  for (const Fault& fault : scenario.faults) moments.insert(fault.at);
  for (const ClientSpec& client : scenario.clients) {
    if (!is_frozen(client)) continue;
    for (const TraceRow& row : *client.arrival.rows) moments.insert(client.start + row.at);
  }
  return {moments.begin(), moments.end()};
}

/// Everything from `first` on comes that much sooner.
void bring_forward(Scenario& scenario, Duration first, Duration sooner) {
  for (Fault& fault : scenario.faults) {
    if (fault.at >= first) fault.at -= sooner;
  }
  for (ClientSpec& client : scenario.clients) {
    if (!is_frozen(client)) continue;
    edit_rows(client, [&](std::vector<TraceRow>& rows) {
      for (TraceRow& row : rows) {
        if (client.start + row.at >= first) row.at -= sooner;
      }
    });
  }
}

Duration pause_before(const std::vector<Duration>& moments, std::size_t index) {
  if (index >= moments.size()) return Duration::zero();
  return moments[index] - (index == 0 ? Duration::zero() : moments[index - 1]);
}

void shorten_pauses(Shrinking& shrinking) {
  for (std::size_t index = moments_of(shrinking.best()).size(); index-- > 0;) {
    if (shrinking.is_over()) return;
    Dial pause;
    pause.is_time = true;
    pause.get = [=](const Scenario& scenario) {
      return pause_before(moments_of(scenario), index).count();
    };
    pause.set = [=](Scenario& scenario, std::int64_t value) {
      const auto moments = moments_of(scenario);
      if (index >= moments.size()) return;
      const Duration before = pause_before(moments, index);
      bring_forward(scenario, moments[index], before - Duration{value});
    };
    turn_down(shrinking, pause);
  }
}

}  // namespace

void lower_calls(Shrinking& shrinking) {
  for (std::size_t client = 0; client < shrinking.best().clients.size(); ++client) {
    if (!is_frozen(shrinking.best().clients[client])) continue;
    const std::size_t rows = shrinking.best().clients[client].arrival.rows->size();
    for (std::size_t row = 0; row < rows && !shrinking.is_over(); ++row) {
      lower_call(shrinking, {client, row});
    }
  }
  shorten_pauses(shrinking);
}

}  // namespace signalbox::sim
