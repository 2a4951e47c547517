// The apps of a scenario that hold slots for calls they make themselves: they ask for one, renew it
// while their call lasts, and give it back; or let it lapse, or die with it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "simulations/figures/recorder.hpp"
#include "simulations/world/agenda.hpp"
#include "simulations/world/run_checker.hpp"

namespace signalbox::sim {

class SlotHolders {
 public:
  /// All of them must outlive it. @param checker may be null.
  SlotHolders(const Scenario& scenario, SimulatedHouse& house, Agenda& agenda, Recorder& recorder,
              RunChecker* checker);

  /// @pre the house is up.
  void ask(actors::CallNumber number, const Arrival& arrival);
  /// Does what is due for that call; nothing when it is none of its own, or over.
  void act(const AgendaItem& item);
  void admitted(const actors::SlotAdmitted& message);
  void ended(const actors::SlotEnded& message);
  /// The process has died, and all slots with it.
  void died();

  /// Slots that wait or are held.
  [[nodiscard]] std::size_t open() const { return x_holds.size(); }

 private:
  struct Hold {
    SlotId slot;
    Arrival arrival;
  };
  void renew(actors::CallNumber number, const Hold& hold);
  [[nodiscard]] const ClientSpec& client_of(const Hold& hold) const {
    return x_scenario.clients[hold.arrival.client];
  }

  const Scenario& x_scenario;
  SimulatedHouse& x_house;
  Agenda& x_agenda;
  Recorder& x_recorder;
  RunChecker* x_checker;
  std::map<actors::CallNumber, Hold> x_holds;
};

}  // namespace signalbox::sim
