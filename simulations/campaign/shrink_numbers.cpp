// The numbers of a scenario that are no call's: smaller and rounder.
#include <functional>

#include "simulations/campaign/shrink_dial.hpp"

namespace signalbox::sim {
namespace {

/// @param find gives null where there is no such number (any more).
template <class Number>
Dial dial_of(std::function<Number*(Scenario&)> find, std::int64_t floor, bool is_time) {
  Dial dial;
  dial.floor = floor;
  dial.is_time = is_time;
  dial.get = [find, floor](Scenario scenario) {
    const Number* number = find(scenario);
    return number == nullptr ? floor : to_count(*number);
  };
  dial.set = [find](Scenario& scenario, std::int64_t value) {
    Number* number = find(scenario);
    if (number != nullptr) *number = static_cast<Number>(value);
  };
  return dial;
}

Dial count_dial(auto find, std::int64_t floor = 0) {
  using Number = std::remove_pointer_t<std::invoke_result_t<decltype(find), Scenario&>>;
  return dial_of<Number>(std::move(find), floor, false);
}

Dial time_dial(auto find, std::int64_t floor = 0) {
  using Number = std::remove_pointer_t<std::invoke_result_t<decltype(find), Scenario&>>;
  return dial_of<Number>(std::move(find), floor, true);
}

template <class Value>
Value* if_set(std::optional<Value>& value) {
  return value ? &*value : nullptr;
}

constexpr std::int64_t budget_ns_min = 1'000'000;

void add_run_dials(std::vector<Dial>& dials) {
  dials.push_back(count_dial([](Scenario& scenario) { return if_set(scenario.tasks); }, 1));
  dials.push_back(time_dial([](Scenario& scenario) { return if_set(scenario.horizon); }, 1));
  dials.push_back(count_dial([](Scenario& scenario) { return &scenario.warmup_tasks; }));
}

void add_profile_dials(std::vector<Dial>& dials, const std::string& name) {
  dials.push_back(count_dial(
      [name](Scenario& scenario) { return if_set(scenario.profiles.at(name).max_concurrent); }, 1));
  // A bound that is the usual one says less than a small one.
  dials.push_back(count_dial([name](Scenario& scenario) {
    std::uint32_t& bound = scenario.profiles.at(name).max_queued;
    return bound == ProfileSettings{}.max_queued ? nullptr : &bound;
  }));
  dials.push_back(count_dial([name](Scenario& scenario) {
    return &scenario.profiles.at(name).policy_options.reserve_interactive;
  }));
  dials.push_back(count_dial([name](Scenario& scenario) {
    return &scenario.profiles.at(name).policy_options.background_trickle;
  }));
}

void add_law_dials(std::vector<Dial>& dials, const std::function<Law&(Scenario&)>& law,
                   bool is_time) {
  // The low end first, so that it never is above the high one.
  dials.push_back(
      dial_of<std::int64_t>([law](Scenario& scenario) { return &law(scenario).low; }, 0, is_time));
  dials.push_back(
      dial_of<std::int64_t>([law](Scenario& scenario) { return &law(scenario).high; }, 0, is_time));
}

void add_backend_dials(std::vector<Dial>& dials, std::size_t index) {
  dials.push_back(count_dial(
      [index](Scenario& scenario) { return if_set(scenario.backends.at(index).capacity); }, 1));
  const auto service = [index](Scenario& scenario) -> ServiceLaw& {
    return scenario.backends.at(index).service;
  };
  add_law_dials(
      dials, [=](Scenario& scenario) -> Law& { return service(scenario).base; }, true);
  dials.push_back(time_dial([=](Scenario& scenario) { return &service(scenario).per_token_in; }));
  dials.push_back(time_dial([=](Scenario& scenario) { return &service(scenario).per_token_out; }));
}

constexpr std::int64_t step_ns_min = 1'000'000;

/// Of a law's own numbers, where it is that law.
void add_arrival_dials(std::vector<Dial>& dials,
                       const std::function<ClientSpec&(Scenario&)>& client) {
  const auto find = [client](ArrivalKind kind, auto get) {
    return [=](Scenario& scenario) -> decltype(get(client(scenario).arrival)) {
      ArrivalLaw& arrival = client(scenario).arrival;
      return arrival.kind == kind ? get(arrival) : nullptr;
    };
  };
  using enum ArrivalKind;
  const auto users = [](ArrivalLaw& law) { return &law.closed.users; };
  const auto think = [](ArrivalLaw& law) { return &law.closed.think.low; };
  const auto on = [](ArrivalLaw& law) { return &law.on_off.on; };
  const auto off = [](ArrivalLaw& law) { return &law.on_off.off; };
  dials.push_back(count_dial(find(closed, users), 1));
  dials.push_back(time_dial(find(closed, think), step_ns_min));
  dials.push_back(time_dial(find(on_off, on), step_ns_min));
  dials.push_back(time_dial(find(on_off, off)));
}

void add_client_dials(std::vector<Dial>& dials, std::size_t index) {
  const auto client = [index](Scenario& scenario) -> ClientSpec& {
    return scenario.clients.at(index);
  };
  for (auto budget : {&ClientSpec::queue_wait, &ClientSpec::inference}) {
    dials.push_back(time_dial([=](Scenario& scenario) { return if_set(client(scenario).*budget); },
                              budget_ns_min));
  }
  dials.push_back(count_dial([=](Scenario& scenario) { return if_set(client(scenario).tasks); }));
  dials.push_back(time_dial([=](Scenario& scenario) { return &client(scenario).start; }));
  dials.push_back(count_dial(
      [=](Scenario& scenario) {
        auto& retry = client(scenario).retry;
        return retry ? &retry->tries : nullptr;
      },
      2));
  dials.push_back(time_dial([=](Scenario& scenario) {
    auto& retry = client(scenario).retry;
    return retry ? &retry->backoff : nullptr;
  }));
  add_arrival_dials(dials, client);
  for (auto law : {&ClientSpec::tokens_in, &ClientSpec::tokens_out}) {
    add_law_dials(
        dials, [=](Scenario& scenario) -> Law& { return client(scenario).*law; }, false);
  }
}

void add_fault_dials(std::vector<Dial>& dials, const Scenario& best, std::size_t index) {
  const auto fault = [index](Scenario& scenario) { return &scenario.faults.at(index); };
  dials.push_back(time_dial([=](Scenario& scenario) { return &fault(scenario)->lasts; }));
  dials.push_back(time_dial([=](Scenario& scenario) { return &fault(scenario)->delay; },
                            shape_of(best.faults.at(index).kind).delay_min.count()));
  dials.push_back(count_dial([=](Scenario& scenario) { return &fault(scenario)->amount; },
                             shape_of(best.faults.at(index).kind).amount_min));
}

}  // namespace

void lower_numbers(Shrinking& shrinking) {
  std::vector<Dial> dials;
  const Scenario& best = shrinking.best();
  add_run_dials(dials);
  for (const auto& [name, settings] : best.profiles) add_profile_dials(dials, name);
  for (std::size_t index = 0; index < best.backends.size(); ++index) {
    add_backend_dials(dials, index);
  }
  for (std::size_t index = 0; index < best.clients.size(); ++index) add_client_dials(dials, index);
  for (std::size_t index = 0; index < best.faults.size(); ++index) {
    add_fault_dials(dials, best, index);
  }
  for (const Dial& dial : dials) {
    if (shrinking.is_over()) return;
    turn_down(shrinking, dial);
  }
}

}  // namespace signalbox::sim
