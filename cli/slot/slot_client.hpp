// A slot over HTTP: taking it, renewing it, giving it back (docs/protocol.md, slots).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/client/api_client.hpp"
#include "cli/slot/slot_arguments.hpp"

namespace signalbox::cli {

struct HeldSlot {
  std::string id;
  /// Without a renewal for so long it is taken back. Range: >= 1 ms.
  std::chrono::milliseconds lease{30'000};
  /// After it the slot ends, renewed or not; 0 = never.
  std::chrono::milliseconds inference{0};
};

/// Waits for admission. @param stop ends the wait, which leaves the queue.
Outcome<HeldSlot> take_slot(const ApiClient& client, const SlotRequest& request, CallStop& stop);

/// @returns nothing when it was renewed. `code` is slot_not_found when there is no such slot.
std::optional<Failure> renew_slot(const ApiClient& client, const HeldSlot& slot,
                                  std::chrono::milliseconds patience);

/// @param error_kind empty = it ended well. @returns nothing when it was given back.
std::optional<Failure> give_back_slot(const ApiClient& client, const HeldSlot& slot,
                                      const std::string& error_kind,
                                      const std::string& error_detail);

}  // namespace signalbox::cli
