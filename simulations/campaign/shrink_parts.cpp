// Fewer parts: calls, faults, clients, backends and profiles go, or two of them become one.
#include <algorithm>

#include "simulations/campaign/shrink_passes.hpp"
#include "simulations/scenario/freeze.hpp"

namespace signalbox::sim {
namespace {

/// A list of parts of a scenario.
struct Parts {
  std::size_t (*count)(const Scenario&);
  void (*erase)(Scenario&, std::size_t first, std::size_t end);
};

/// Below this every pair is tried, too: some parts fail only together.
constexpr std::size_t pairs_max = 16;

// Long runs first, from the back: what came late is least likely to be the cause.
void delete_runs(Shrinking& shrinking, const Parts& parts) {
  for (std::size_t length = parts.count(shrinking.best()); length > 0; length /= 2) {
    for (std::size_t end = parts.count(shrinking.best()); end > 0 && !shrinking.is_over();) {
      const std::size_t first = end > length ? end - length : 0;
      Scenario candidate = shrinking.best();
      parts.erase(candidate, first, end);
      shrinking.attempt(candidate);
      end = first;
    }
  }
}

void delete_pairs(Shrinking& shrinking, const Parts& parts) {
  if (parts.count(shrinking.best()) > pairs_max) return;
  for (std::size_t later = parts.count(shrinking.best()); later-- > 1;) {
    for (std::size_t earlier = later; earlier-- > 0;) {
      if (later >= parts.count(shrinking.best()) || shrinking.is_over()) break;
      Scenario candidate = shrinking.best();
      parts.erase(candidate, later, later + 1);
      parts.erase(candidate, earlier, earlier + 1);
      shrinking.attempt(candidate);
    }
  }
}

template <class Item>
void erase_from(std::vector<Item>& items, std::size_t first, std::size_t end) {
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(first),
              items.begin() + static_cast<std::ptrdiff_t>(end));
}

constexpr Parts faults{
    [](const Scenario& scenario) { return scenario.faults.size(); },
    [](Scenario& scenario, std::size_t first, std::size_t end) {
      erase_from(scenario.faults, first, end);
    },
};

constexpr Parts clients{
    [](const Scenario& scenario) { return scenario.clients.size(); },
    [](Scenario& scenario, std::size_t first, std::size_t end) {
      erase_from(scenario.clients, first, end);
    },
};

/// Faults of what has gone go with it.
void erase_faults_of(Scenario& scenario, const std::string& target) {
  std::erase_if(scenario.faults, [&](const Fault& fault) { return fault.target == target; });
}

constexpr Parts backends{
    [](const Scenario& scenario) { return scenario.backends.size(); },
    [](Scenario& scenario, std::size_t first, std::size_t end) {
      for (std::size_t index = first; index < end; ++index) {
        erase_faults_of(scenario, scenario.backends[index].name);
      }
      erase_from(scenario.backends, first, end);
    },
};

constexpr Parts profiles{
    [](const Scenario& scenario) { return scenario.profiles.size(); },
    [](Scenario& scenario, std::size_t first, std::size_t end) {
      const auto begin = std::next(scenario.profiles.begin(), static_cast<std::ptrdiff_t>(first));
      const auto last = std::next(scenario.profiles.begin(), static_cast<std::ptrdiff_t>(end));
      for (auto entry = begin; entry != last; ++entry) erase_faults_of(scenario, entry->first);
      scenario.profiles.erase(begin, last);
    },
};

/// A call of a frozen client.
struct CallPlace {
  Duration at{};
  std::size_t client = 0;
  std::size_t row = 0;

  friend auto operator<=>(const CallPlace&, const CallPlace&) = default;
};

/// In the order they are made.
std::vector<CallPlace> places_of(const Scenario& scenario) {
  std::vector<CallPlace> places;
  for (std::size_t client = 0; client < scenario.clients.size(); ++client) {
    if (!is_frozen(scenario.clients[client])) continue;
    const auto& rows = *scenario.clients[client].arrival.rows;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      places.push_back({scenario.clients[client].start + rows[row].at, client, row});
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

constexpr Parts calls{
    [](const Scenario& scenario) { return places_of(scenario).size(); },
    [](Scenario& scenario, std::size_t first, std::size_t end) {
      std::vector<std::set<std::size_t>> gone(scenario.clients.size());
      const auto places = places_of(scenario);
      for (std::size_t index = first; index < end; ++index) {
        gone[places[index].client].insert(places[index].row);
      }
      for (std::size_t client = 0; client < gone.size(); ++client) {
        if (gone[client].empty()) continue;
        auto& arrival = scenario.clients[client].arrival;
        std::vector<TraceRow> left;
        for (std::size_t row = 0; row < arrival.rows->size(); ++row) {
          if (!gone[client].contains(row)) left.push_back((*arrival.rows)[row]);
        }
        arrival.rows = std::make_shared<const std::vector<TraceRow>>(std::move(left));
      }
    },
};

// -- merging
// ------------------------------------------------------------------------------------------------------

/// The calls of `from` are made by `to`, and `from` is gone. @pre both are frozen.
void give_calls(Scenario& scenario, std::size_t from, std::size_t to) {
  const ClientSpec& giver = scenario.clients[from];
  ClientSpec& taker = scenario.clients[to];
  std::vector<TraceRow> rows = *taker.arrival.rows;
  for (TraceRow row : *giver.arrival.rows) {
    row.at += giver.start;
    rows.push_back(row);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const TraceRow& left, const TraceRow& right) { return left.at < right.at; });
  taker.arrival.rows = std::make_shared<const std::vector<TraceRow>>(std::move(rows));
  erase_from(scenario.clients, from, from + 1);
}

void merge_clients(Shrinking& shrinking) {
  for (std::size_t from = shrinking.best().clients.size(); from-- > 1;) {
    for (std::size_t to = 0; to < from; ++to) {
      const auto& all = shrinking.best().clients;
      const bool can_merge = from < all.size() && is_frozen(all[from]) && is_frozen(all[to]) &&
                             all[to].start == Duration::zero();
      if (!can_merge) continue;
      Scenario candidate = shrinking.best();
      give_calls(candidate, from, to);
      shrinking.attempt(candidate);
    }
  }
}

/// What is about one profile is about the other, and the first is gone.
void merge_profiles(Shrinking& shrinking) {
  std::vector<std::string> names;
  for (const auto& [name, settings] : shrinking.best().profiles) names.push_back(name);
  for (const std::string& from : names) {
    for (const std::string& to : names) {
      const auto& left = shrinking.best().profiles;
      if (from == to || !left.contains(from) || !left.contains(to)) continue;
      Scenario candidate = shrinking.best();
      candidate.profiles.erase(from);
      for (ClientSpec& client : candidate.clients) {
        if (client.profile == from) client.profile = to;
      }
      for (Fault& fault : candidate.faults) {
        if (fault.target == from) fault.target = to;
      }
      shrinking.attempt(candidate);
    }
  }
}

/// Calls go to that backend by its name, whatever they went to.
void aim_at_one_backend(Shrinking& shrinking) {
  for (const BackendSpec& backend : std::vector{shrinking.best().backends}) {
    const std::string& llm = backend.models.empty() ? backend.name : backend.models.front();
    Scenario candidate = shrinking.best();
    for (ClientSpec& client : candidate.clients) {
      if (!client.slot) client.target = llm;
    }
    if (shrinking.attempt(candidate)) return;
  }
}

}  // namespace

void shorten_run(Shrinking& shrinking) {
  bool goes_on = true;
  while (goes_on && !shrinking.is_over()) {
    goes_on = false;
    Scenario fewer = shrinking.best();
    if (fewer.tasks.value_or(0) > 1) {
      *fewer.tasks /= 2;
      goes_on = shrinking.attempt(fewer);
    }
    Scenario shorter = shrinking.best();
    if (shorter.horizon.value_or(Duration{}) > std::chrono::milliseconds{1}) {
      *shorter.horizon /= 2;
      goes_on = shrinking.attempt(shorter) || goes_on;
    }
  }
}

void freeze_clients(Shrinking& shrinking) {
  const auto attempt = [&](std::optional<std::size_t> client) {
    for (const bool fixes_service : {true, false}) {
      const auto frozen = freeze(
          shrinking.best(),
          {.client = client, .fixes_service = fixes_service, .traces = shrinking.limits().traces});
      if (frozen.has_value() && shrinking.attempt(*frozen)) return true;
    }
    return false;
  };
  const auto& all = shrinking.best().clients;
  if (std::all_of(all.begin(), all.end(), is_frozen)) return;
  if (attempt(std::nullopt)) return;
  for (std::size_t index = 0; index < shrinking.best().clients.size(); ++index) {
    if (!is_frozen(shrinking.best().clients[index])) attempt(index);
  }
}

void delete_parts(Shrinking& shrinking) {
  for (const Parts* parts : {&clients, &faults, &calls, &backends, &profiles}) {
    delete_runs(shrinking, *parts);
  }
  for (const Parts* parts : {&faults, &calls}) delete_pairs(shrinking, *parts);
}

void merge_parts(Shrinking& shrinking) {
  merge_clients(shrinking);
  merge_profiles(shrinking);
  aim_at_one_backend(shrinking);
}

}  // namespace signalbox::sim
