// Heartbeats of push workers (docs/protocol.md, "Push workers").
#pragma once

#include "http/front/services.hpp"

namespace signalbox::http {

void answer_push_heartbeat(Context& context);

}  // namespace signalbox::http
