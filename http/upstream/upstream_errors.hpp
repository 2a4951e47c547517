// What a backend's failure means: our error, and whether another try makes sense.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports.hpp"
#include "http/upstream/upstream_exchange.hpp"

namespace signalbox::http {

/// For an answer that is no 2xx. @param body as far as it was read. @param retry_after the header,
/// seconds only.
BackendFailed status_failure(int status, std::string_view body, std::string_view retry_after);

/// For an exchange that has no whole answer. @pre result.end is none of complete and stopped.
/// @param head_seen status and headers had come. @param streaming the answer was a stream.
BackendFailed exchange_failure(const ExchangeResult& result, bool head_seen, bool streaming);

/// For an answer we will not take although its status is fine.
BackendFailed answer_failure(std::string message, int status, bool retryable);

/// For an event that reports an error. @param status of the answer that the event came in.
BackendFailed event_failure(std::string_view data, int status);

/// Reads the answer to GET /v1/models: {"data":[{"id"}]}, {"models":[{"id"|"name"}]} or a bare
/// list. Names that are not 1 to 256 printable characters are left out, as are those after the
/// first 1000.
/// @returns backend_error when it is none of these.
Result<std::vector<BackendModel>> parse_model_list(std::string_view body);

}  // namespace signalbox::http
