// Several observers of one run, told in their order.
#pragma once

#include <utility>
#include <vector>

#include "simulations/figures/recorder.hpp"

namespace signalbox::sim {

class ObserverList final : public RunObserver {
 public:
  /// @param observers none null; they must outlive it.
  explicit ObserverList(std::vector<RunObserver*> observers) : x_observers{std::move(observers)} {}

  void add(RunObserver* observer) { x_observers.push_back(observer); }

  void ended(const EndedTask& task) override {
    for (RunObserver* observer : x_observers) observer->ended(task);
  }
  void sampled(std::uint64_t second, const LineState& line) override {
    for (RunObserver* observer : x_observers) observer->sampled(second, line);
  }

 private:
  std::vector<RunObserver*> x_observers;
};

}  // namespace signalbox::sim
