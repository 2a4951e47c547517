// What a name may be: of a profile, an LLM, a pool, an agent, an owner.
#pragma once

#include <string_view>

namespace signalbox {

/// 1-128 of `[A-Za-z0-9._:/@+-]`: safe in URLs, headers and the store's keys.
bool is_valid_name(std::string_view name);

}  // namespace signalbox
