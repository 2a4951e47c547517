#include "simulations/world/retries.hpp"

namespace signalbox::sim {

void Retries::made(actors::CallNumber call, const Arrival& arrival) {
  if (!x_scenario->clients[arrival.client].retry) return;
  Arrival& open = x_open.emplace(call, arrival).first->second;
  if (!open.repeat) open.repeat = Repeat{0, arrival.at, call};
  ++open.repeat->tries;
}

std::optional<DueRepeat> Retries::failed(actors::CallNumber call, const Error& error,
                                         Duration now) {
  const auto place = x_open.find(call);
  if (place == x_open.end()) return std::nullopt;
  const Arrival arrival = place->second;
  x_open.erase(place);
  if (!is_worth_another_try(error)) return std::nullopt;
  const RetryLaw& law = *x_scenario->clients[arrival.client].retry;
  const std::uint32_t tries = arrival.repeat->tries;
  if (tries >= law.tries) {
    ++x_given_up;
    return std::nullopt;
  }
  x_due.emplace(call, arrival);
  return DueRepeat{now + pause_after(law, tries, retry_after_of(error), arrival.retry_seed), call};
}

std::vector<actors::CallNumber> Retries::open() const {
  std::vector<actors::CallNumber> calls;
  for (const auto& [call, arrival] : x_open) calls.push_back(call);
  return calls;
}

Arrival Retries::take(std::uint64_t number, Duration now) {
  Arrival arrival = x_due.extract(number).mapped();
  arrival.at = now;
  ++x_repeats;
  return arrival;
}

}  // namespace signalbox::sim
