// Jobs (docs/protocol.md, "Jobs"): tasks made of a prompt, and their streams of plain tokens.
#pragma once

#include <string>

#include "http/front/services.hpp"

namespace signalbox::http {

/// `{"operation":"infer",…}` makes a task; `{"operation":"status"}` lists workers.
void answer_job(Context& context);
void answer_job_stream(Context& context, const std::string& id);
void answer_cancel_job(Context& context, const std::string& id);

}  // namespace signalbox::http
