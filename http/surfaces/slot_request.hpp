// What an app says when it asks for a slot, marks it and gives it back (docs/protocol.md, section
// 5). Pure: texts in, messages or a clear error out.
#pragma once

#include <string_view>

#include "actors/messages/slot_messages.hpp"
#include "http/edge/server.hpp"
#include "http/front/auth.hpp"

namespace signalbox::http {

/// A lease that nobody asked for otherwise. Unit: s.
inline constexpr std::int64_t default_lease_s = 30;

/// @param body a JSON object. @returns the message without ids, or invalid_json, invalid_request or
/// invalid_priority, with the field in `param`.
Result<actors::AcquireSlot> read_slot_body(std::string_view body, const Headers& headers,
                                           const Caller& caller);

/// As read_slot_body, from a query string: the slot is held by the connection, without a lease.
Result<actors::AcquireSlot> read_slot_query(std::string_view query, const Headers& headers,
                                            const Caller& caller);

/// @param body `{event}`.
Result<SlotMark> read_slot_mark(std::string_view body);

/// @param body `{status, error_kind?, error_detail?}`, or empty: ok.
Result<SlotOutcome> read_slot_outcome(std::string_view body);

}  // namespace signalbox::http
