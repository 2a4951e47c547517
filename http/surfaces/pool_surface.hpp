// How pools choose among their LLMs: looked at and changed while calls run (docs/protocol.md,
// "Pools").
#pragma once

#include <string>

#include "http/front/services.hpp"

namespace signalbox::http {

void answer_list_pools(Context& context);
void answer_get_pool(Context& context, const std::string& name);
void answer_put_pool(Context& context, const std::string& name);

}  // namespace signalbox::http
