// The built-in echo model: answers with the words it was asked, a settable number of them at a
// settable pace, so that the first call works with no LLM installed. Speaks chat, completions and
// embeddings, streamed and not.
#pragma once

#include "actors/backends/playback_actor.hpp"
#include "config/settings.hpp"

namespace signalbox::http {

/// A request may set its own pace: `max_tokens` (or `max_completion_tokens`) takes fewer or more
/// words than the setting, `echo_delay_ms` another delay before each.
actors::PlaybackScript make_echo_script(config::EchoSettings settings);

/// The LLM that the script is offered as.
Llm make_echo_llm(const config::EchoSettings& settings);

}  // namespace signalbox::http
