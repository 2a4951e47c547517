// The calls that run inference: the OpenAI front and its siblings (docs/protocol.md, section 1).
#pragma once

#include <string>
#include <string_view>

#include "http/front/call_options.hpp"
#include "http/front/services.hpp"

namespace signalbox::http {

/// POST /v1/chat/completions, /v1/completions, /v1/embeddings, /api/v1/chat.
void answer_inference(Context& context, TaskKind kind);

/// POST /api/v1/llms/{name}/infer: kind by the body's members, fail-fast.
void answer_llm_infer(Context& context, const std::string& llm);

/// @returns what a body asks for by its members: messages, prompt or input. @pre well-formed.
TaskKind kind_of_body(std::string_view body);

/// Runs a call that waits for its answer and sends it, streamed or whole.
void run_call(Context& context, actors::SubmitTask submit);

/// Fills in who asks and what the headers say. @param route names the route in the idempotency
/// key's scope.
void apply_options(const Context& context, const CallOptions& options, std::string_view route,
                   actors::SubmitTask& submit);

}  // namespace signalbox::http
