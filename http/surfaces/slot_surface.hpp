// Slots for calls that apps make themselves (docs/protocol.md, section 5).
#pragma once

#include <string>

#include "http/front/services.hpp"

namespace signalbox::http {

/// Waits for the admission; the slot is then the caller's for as long as it renews its lease.
void answer_acquire_slot(Context& context);
/// The slot is held as long as the connection.
void answer_hold_slot(Context& context);
void answer_mark_slot(Context& context, const std::string& slot);
void answer_renew_slot(Context& context, const std::string& slot);
void answer_release_slot(Context& context, const std::string& slot);

}  // namespace signalbox::http
