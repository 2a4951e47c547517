// Workers that bind (docs/protocol.md, "Workers"): they register, hold a stream on which work
// comes, and bring what came of it.
#pragma once

#include <string>

#include "http/front/services.hpp"

namespace signalbox::http {

void answer_register_worker(Context& context);
void answer_list_workers(Context& context);
void answer_get_worker(Context& context, const std::string& session);
void answer_leave_worker(Context& context, const std::string& session);
/// Holds the connection until one side ends it.
void answer_bind_worker(Context& context, const std::string& session);
void answer_worker_heartbeat(Context& context, const std::string& session);
void answer_drain_worker(Context& context, const std::string& session);
void answer_worker_chunk(Context& context, const std::string& session, const std::string& task);
void answer_worker_result(Context& context, const std::string& session, const std::string& task);

}  // namespace signalbox::http
