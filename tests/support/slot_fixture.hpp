// Apps that hold slots of a house on the virtual clock, and what they were told.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

/// How one slot is asked for; the rest has defaults.
struct SlotSpec {
  std::string profile = "p";
  Priority priority = Priority::workflow;
  /// Zero = bound to the connection.
  Duration lease = 30s;
  std::optional<Duration> queue_wait = {};
  std::optional<Duration> inference = {};
  bool wants_position = false;
  std::string owner = "alice";
};

/// What whoever asked for one slot was told.
struct SlotTold {
  std::vector<std::size_t> positions;
  std::optional<actors::SlotAdmitted> admitted;
  Instant admitted_at{};
  std::optional<actors::SlotEnded> ended;
  Instant ended_at{};

  [[nodiscard]] bool is_held() const { return admitted && !ended; }
  [[nodiscard]] bool is_waiting() const { return !admitted && !ended; }
  [[nodiscard]] ErrorCode code() const { return ended ? ended->error.code : ErrorCode::none; }
};

struct SlotLedger {
  std::map<SlotId, SlotTold> slots;
  /// In the order they were admitted.
  std::vector<SlotId> admissions;
};

class SlotApps {
 public:
  explicit SlotApps(HouseFixture& house);
  ~SlotApps();

  /// Sends and runs; time stands still.
  SlotId acquire(const SlotSpec& spec = {});
  /// Its connection is gone.
  void drop(SlotId slot);
  actors::SlotAnswer mark(SlotId slot, SlotMark mark, const std::string& owner = "alice");
  actors::SlotAnswer renew(SlotId slot, const std::string& owner = "alice");
  actors::SlotAnswer release(SlotId slot, SlotOutcome outcome = {},
                             const std::string& owner = "alice");

  [[nodiscard]] const SlotTold& told(SlotId slot) const { return x_ledger->slots.at(slot); }
  [[nodiscard]] const SlotLedger& ledger() const { return *x_ledger; }
  /// @returns the call row of that slot.
  CallRow row(SlotId slot);

 private:
  HouseFixture& x_house;
  std::shared_ptr<SlotLedger> x_ledger = std::make_shared<SlotLedger>();
  actors::SlotListener x_listener;
  actors::CallNumber x_next_call = 1;
};

}  // namespace signalbox::testing
