// A task watched live (docs/protocol.md, "A task's stream"): what it does, what it says, its end.
#pragma once

#include <string>

#include "http/front/services.hpp"

namespace signalbox::http {

/// Holds the connection until the task has ended or the caller leaves, which the task does not
/// notice.
void answer_task_stream(Context& context, const std::string& id);

}  // namespace signalbox::http
