// What operators read and change: models, LLMs, profiles, health, reload (docs/protocol.md,
// sections 3, 5, 7).
#pragma once

#include <string>

#include "http/front/services.hpp"

namespace signalbox::http {

void answer_list_models(Context& context);
void answer_get_model(Context& context, const std::string& id);
void answer_list_llms(Context& context);
void answer_get_llm(Context& context, const std::string& name);
void answer_list_profiles(Context& context);
void answer_get_profile(Context& context, const std::string& name);
void answer_put_profile(Context& context, const std::string& name);
void answer_reload(Context& context);

}  // namespace signalbox::http
