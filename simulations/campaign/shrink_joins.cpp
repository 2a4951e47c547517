// Fewer calls that do what many did: where a line must be long, or a server busy, one call that
// takes long is as good as several that take short, and calls that come at one moment are simpler
// than calls that come one by one.
#include "simulations/campaign/shrink_passes.hpp"
#include "simulations/scenario/freeze.hpp"

namespace signalbox::sim {
namespace {

using Rows = std::vector<TraceRow>;

const Rows& rows_of(const Scenario& scenario, std::size_t client) {
  return *scenario.clients.at(client).arrival.rows;
}

bool attempt(Shrinking& shrinking, std::size_t client, Rows rows) {
  Scenario candidate = shrinking.best();
  candidate.clients.at(client).arrival.rows = std::make_shared<const Rows>(std::move(rows));
  return shrinking.attempt(candidate);
}

/// @returns the rows with those from `first` to before `end` as one call, which takes as long as
/// all of them; nothing where it is not known how long that is.
std::optional<Rows> join(Rows rows, std::size_t first, std::size_t end) {
  Duration together{};
  for (std::size_t index = first; index < end; ++index) {
    if (!rows[index].service) return std::nullopt;
    together += *rows[index].service;
  }
  rows[first].service = together;
  rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(first) + 1,
             rows.begin() + static_cast<std::ptrdiff_t>(end));
  return rows;
}

// Long runs first, as with what is deleted.
void join_neighbours(Shrinking& shrinking, std::size_t client) {
  for (std::size_t length = rows_of(shrinking.best(), client).size(); length > 1; length /= 2) {
    std::size_t first = 0;
    while (first + length <= rows_of(shrinking.best(), client).size() && !shrinking.is_over()) {
      auto joined = join(rows_of(shrinking.best(), client), first, first + length);
      // One that has become longer may take the next ones in as well.
      if (!joined || !attempt(shrinking, client, std::move(*joined))) ++first;
    }
  }
}

/// Each comes when the one before it does, and nothing else moves.
void gather_calls(Shrinking& shrinking, std::size_t client) {
  for (std::size_t index = 1; index < rows_of(shrinking.best(), client).size(); ++index) {
    if (shrinking.is_over()) return;
    Rows rows = rows_of(shrinking.best(), client);
    if (rows[index].at == rows[index - 1].at) continue;
    rows[index].at = rows[index - 1].at;
    attempt(shrinking, client, std::move(rows));
  }
}

}  // namespace

void join_calls(Shrinking& shrinking) {
  for (std::size_t client = 0; client < shrinking.best().clients.size(); ++client) {
    if (!is_frozen(shrinking.best().clients[client])) continue;
    join_neighbours(shrinking, client);
    gather_calls(shrinking, client);
  }
}

}  // namespace signalbox::sim
