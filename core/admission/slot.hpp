// A slot that an app holds for a call it makes itself (mission A5): what it asked for, its lease,
// and its call row. Pure: `now` and `at` are handed in. Who is admitted when is ProfileScheduler's.
//
//   waiting ─▶ held ─▶ ended
//      └───────────────▲
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/priority.hpp"
#include "core/base/time.hpp"
#include "core/calls/call_row.hpp"

namespace signalbox {

struct SlotRequest {
  SlotId id;
  std::string profile;
  Priority priority = Priority::workflow;
  std::string owner;
  std::string description;
  std::string request_id;
  /// Both > 0.
  Duration queue_wait{};
  Duration inference{};
  /// Zero = held as long as its holder's connection, or its handle in this process.
  Duration lease{};
};

/// What the holder says of its call while it runs.
enum class SlotMark : std::uint8_t { started_http, first_token };
std::optional<SlotMark> parse_slot_mark(std::string_view word);

/// How a slot ended.
struct SlotOutcome {
  CallStatus status = CallStatus::ok;
  /// Empty unless it went wrong.
  std::string error_kind = {};
  std::string error_detail = {};
};
SlotOutcome outcome_of(const Error& error);
/// It was not renewed in time.
SlotOutcome lease_expired();

class Slot {
 public:
  Slot(SlotRequest request, Instant now, WallTime at);

  /// @pre it is waiting.
  void admit(Duration queue_wait, Instant now, WallTime at);
  /// The first of each kind counts; one more changes nothing. @pre it is held.
  void mark(SlotMark mark, WallTime at);
  /// The lease counts from now. @pre it is held.
  void renew(Instant now);
  /// @pre it has not ended.
  void end(const SlotOutcome& outcome, Instant now, WallTime at);

  /// @returns when the lease is over unless it is renewed; nothing when there is none.
  [[nodiscard]] std::optional<Instant> lease_end() const { return x_lease_end; }
  [[nodiscard]] bool is_held() const { return x_stage == Stage::held; }
  [[nodiscard]] bool has_ended() const { return x_stage == Stage::ended; }
  [[nodiscard]] const SlotRequest& request() const { return x_request; }
  [[nodiscard]] const CallRow& row() const { return x_row; }

 private:
  enum class Stage : std::uint8_t { waiting, held, ended };

  SlotRequest x_request;
  CallRow x_row;
  Stage x_stage = Stage::waiting;
  Instant x_queued_at{};
  Instant x_admitted_at{};
  std::optional<Instant> x_lease_end;
};

}  // namespace signalbox
