#include "http/front/status_mapping.hpp"

namespace signalbox::http {

int status_of(const Error& error) {
  using enum ErrorCode;
  switch (error.code) {
    case none:
      return 200;
    case queue_full:
      return 429;
    case queue_wait_timeout:
    case no_backend:
    case wake_failed:
    case wake_timeout:
    case draining:
      return 503;
    case inference_timeout:
    case task_expired:
    case await_timeout:
      return 504;
    case backend_unreachable:
    case backend_stream_failed:
    case worker_lost:
      return 502;
    case backend_error:
      return error.backend_status >= 400 && error.backend_status < 500 ? error.backend_status : 502;
    case task_cancelled:
    case name_conflict:
    case stale_claim:
      return 409;
    case model_not_found:
    case llm_not_found:
    case agent_not_found:
    case task_not_found:
    case slot_not_found:
    case session_not_found:
    case profile_not_found:
    case job_not_found:
    case not_found:
      return 404;
    case invalid_json:
    case invalid_request:
    case invalid_priority:
      return 400;
    case unauthorized:
      return 401;
    case forbidden:
    case forbidden_host:
      return 403;
    case method_not_allowed:
      return 405;
    case body_too_large:
      return 413;
    case unsupported_media_type:
      return 415;
    case idempotency_key_reused:
      return 422;
    case store_full:
      return 507;
    case store_failed:
      return 500;
  }
  return 500;
}

std::string_view type_of(ErrorCode code) {
  using enum ErrorCode;
  switch (code) {
    case queue_full:
      return "rate_limit_error";
    case unauthorized:
      return "authentication_error";
    case forbidden:
      return "permission_error";
    case none:
    case queue_wait_timeout:
    case inference_timeout:
    case no_backend:
    case wake_failed:
    case wake_timeout:
    case backend_unreachable:
    case backend_error:
    case backend_stream_failed:
    case worker_lost:
    case task_expired:
    case draining:
    case store_full:
    case store_failed:
    case await_timeout:
      return "server_error";
    case task_cancelled:
    case model_not_found:
    case llm_not_found:
    case agent_not_found:
    case task_not_found:
    case slot_not_found:
    case session_not_found:
    case profile_not_found:
    case job_not_found:
    case name_conflict:
    case invalid_json:
    case invalid_request:
    case invalid_priority:
    case method_not_allowed:
    case body_too_large:
    case unsupported_media_type:
    case not_found:
    case idempotency_key_reused:
    case stale_claim:
    case forbidden_host:
      return "invalid_request_error";
  }
  return "server_error";
}

}  // namespace signalbox::http
