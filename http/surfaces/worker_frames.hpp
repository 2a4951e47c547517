// What a broker and a worker that binds say to each other (docs/protocol.md, "Workers"): frames to
// text, bodies to messages. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/messages/messages.hpp"
#include "core/base/error.hpp"

namespace signalbox::http {

/// @returns the server-sent event for a frame.
std::string frame_event(const actors::WorkerFrame& frame);

/// Each reads one body into the message it stands for; who asks for what is filled in by the
/// caller.
/// @returns invalid_json, or invalid_request with `param`. Members nobody knows are left alone:
/// later workers may say more.

/// `{session, llms:[{name,type,model,tier?,pool?,capacity?,status?}]}`. A session that is no id
/// counts as none.
Result<actors::RegisterWorker> read_registration(std::string_view body);
/// `{llms?:[{name,status}]}`, or nothing at all.
Result<actors::WorkerHeartbeat> read_heartbeat(std::string_view body);
/// `{data}` or `{chunks:[...]}`, and `attempt?`. A final [DONE] is dropped: the result says it.
Result<actors::WorkerChunks> read_chunks(std::string_view body);
/// `{status, body}`, `{done:true}` or `{error:{message, retryable?}}`, and `attempt?`.
Result<actors::WorkerResult> read_result(std::string_view body);

}  // namespace signalbox::http
