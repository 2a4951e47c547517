// What a worker answers to POST /v1/inference: where the tokens of its job are to be had. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "http/upstream/base_url.hpp"

namespace signalbox::http {

/// @param body {"job_id":…,"sse_url":…}; sse_url is a path, or an http URL on the very host and
/// port that answered. @returns the path to ask for, or backend_error with the reason, worded to
/// follow the worker's name: a worker must not be able to send us elsewhere.
Result<std::string> read_stream_path(std::string_view body, const BaseUrl& worker);

}  // namespace signalbox::http
