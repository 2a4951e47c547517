#include "core/base/error.hpp"

namespace signalbox {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::none:
      return "none";
    case ErrorCode::queue_full:
      return "queue_full";
    case ErrorCode::queue_wait_timeout:
      return "queue_wait_timeout";
    case ErrorCode::inference_timeout:
      return "inference_timeout";
    case ErrorCode::no_backend:
      return "no_backend";
    case ErrorCode::wake_failed:
      return "wake_failed";
    case ErrorCode::wake_timeout:
      return "wake_timeout";
    case ErrorCode::backend_unreachable:
      return "backend_unreachable";
    case ErrorCode::backend_error:
      return "backend_error";
    case ErrorCode::backend_stream_failed:
      return "backend_stream_failed";
    case ErrorCode::worker_lost:
      return "worker_lost";
    case ErrorCode::task_cancelled:
      return "task_cancelled";
    case ErrorCode::task_expired:
      return "task_expired";
    case ErrorCode::model_not_found:
      return "model_not_found";
    case ErrorCode::llm_not_found:
      return "llm_not_found";
    case ErrorCode::agent_not_found:
      return "agent_not_found";
    case ErrorCode::task_not_found:
      return "task_not_found";
    case ErrorCode::slot_not_found:
      return "slot_not_found";
    case ErrorCode::session_not_found:
      return "session_not_found";
    case ErrorCode::profile_not_found:
      return "profile_not_found";
    case ErrorCode::job_not_found:
      return "job_not_found";
    case ErrorCode::name_conflict:
      return "name_conflict";
    case ErrorCode::invalid_json:
      return "invalid_json";
    case ErrorCode::invalid_request:
      return "invalid_request";
    case ErrorCode::invalid_priority:
      return "invalid_priority";
    case ErrorCode::unauthorized:
      return "unauthorized";
    case ErrorCode::forbidden:
      return "forbidden";
    case ErrorCode::draining:
      return "draining";
    case ErrorCode::store_full:
      return "store_full";
    case ErrorCode::store_failed:
      return "store_failed";
    case ErrorCode::method_not_allowed:
      return "method_not_allowed";
    case ErrorCode::body_too_large:
      return "body_too_large";
    case ErrorCode::unsupported_media_type:
      return "unsupported_media_type";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::idempotency_key_reused:
      return "idempotency_key_reused";
    case ErrorCode::stale_claim:
      return "stale_claim";
    case ErrorCode::forbidden_host:
      return "forbidden_host";
    case ErrorCode::await_timeout:
      return "await_timeout";
  }
  return "none";
}

std::optional<ErrorCode> parse_error_code(std::string_view word) {
  for (std::uint8_t number = 1; number <= error_code_max; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    if (to_string(code) == word) return code;
  }
  return std::nullopt;
}

std::int32_t backend_status_of(const Error& error) {
  if (error.backend_status != 0) return error.backend_status;
  for (const auto& [name, value] : error.details) {
    const auto* status = std::get_if<std::int64_t>(&value);
    if (name == "backend_status" && status != nullptr) return static_cast<std::int32_t>(*status);
  }
  return 0;
}

}  // namespace signalbox
