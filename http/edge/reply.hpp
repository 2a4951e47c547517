// Answers as bytes, where httplib cannot write them: refusals (no handler ran) and the heads of
// streams (httplib knows the status of an answer only once its handler has returned). Pure.
#pragma once

#include <string>
#include <string_view>

#include "http/edge/request_head.hpp"
#include "http/edge/server.hpp"

namespace signalbox::http {

/// @returns the reason phrase of the statuses that are in use here, else a general one.
std::string_view reason_phrase(int status);

/// @returns whether a handler may set this header: its name and value are well formed (else they
/// could smuggle a second answer into this one), and it is neither about framing, which is not the
/// handler's business, nor the content type, which Response has a member for.
bool may_be_sent(std::string_view name, std::string_view value);

enum class StreamFraming { chunked, until_close };

/// @returns the head of a streamed answer, with what keeps proxies from buffering or storing it.
std::string stream_head(const Response& response, StreamFraming framing, bool keep_alive);

/// @returns a whole answer after which the connection is closed.
/// @param request_id as EarlyError has it.
std::string refusal_reply(const Refusal& refusal, std::string_view request_id,
                          const EarlyAnswer& early_answer);

}  // namespace signalbox::http
