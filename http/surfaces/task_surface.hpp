// Tasks as rows: make one and go away, list, read, wait for, cancel (docs/protocol.md, section 2).
#pragma once

#include <string>

#include "http/front/services.hpp"

namespace signalbox::http {

void answer_create_task(Context& context);
void answer_list_tasks(Context& context);
void answer_get_task(Context& context, const std::string& id);
void answer_cancel_task(Context& context, const std::string& id);

}  // namespace signalbox::http
