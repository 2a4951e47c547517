// What there is to see of calls: their rows, and the whole broker at a glance (docs/protocol.md,
// sections 5 and 7).
#pragma once

#include "http/front/services.hpp"

namespace signalbox::http {

void answer_list_calls(Context& context);
void answer_broker_state(Context& context);

}  // namespace signalbox::http
