// Hears what happens in a simulated house, and keeps it to itself.
#pragma once

#include "simulations/world/simulated_house.hpp"

namespace signalbox::testing {

class SilentWitness final : public sim::HouseWitness {
 public:
  void committed(const StoreOp&, const StoreResult&) override {}
  void refused(const actors::TaskRefused&) override {}
  void accepted(const actors::TaskAccepted&) override {}
  void began(const actors::TaskBegan&) override {}
  void data(const actors::TaskData&) override {}
  void ended(const actors::TaskEnded&) override {}
  void slot_admitted(const actors::SlotAdmitted&) override {}
  void slot_ended(const actors::SlotEnded&) override {}
  actors::Playback play(const sim::BackendSpec&, const BackendCall&) override { return {}; }
  void died(sim::Death) override {}
  void recovered(const sim::ObservedStore&) override {}
};

}  // namespace signalbox::testing
