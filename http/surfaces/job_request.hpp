// The body of POST /v1/jobs. Pure: text in, values or a clear error out.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace signalbox::http {

enum class JobOperation : std::uint8_t { infer, status };

struct JobRequest {
  JobOperation operation = JobOperation::infer;
  /// The fields below: of `infer`.
  std::string model;
  /// Key of the calls that are to stay on one backend; empty = none.
  std::string session;
  /// The same as a streamed completion in OpenAI's form.
  std::string completion;
};

/// @returns invalid_json, or invalid_request with `param`.
Result<JobRequest> read_job_request(std::string_view body);

}  // namespace signalbox::http
