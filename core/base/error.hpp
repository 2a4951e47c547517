// What can go wrong, once: a stable number and the wire word for each thing a caller can react to.
// HTTP statuses are http/status_mapping's; messages are for people and carry no meaning.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace signalbox {

/// Numbers are stored and never reused. 0 means "no error", as it does for caf::error.
enum class ErrorCode : std::uint8_t {
  none = 0,
  queue_full = 1,
  queue_wait_timeout = 2,
  inference_timeout = 3,
  no_backend = 4,
  wake_failed = 5,
  wake_timeout = 6,
  backend_unreachable = 7,
  backend_error = 8,
  backend_stream_failed = 9,
  worker_lost = 10,
  task_cancelled = 11,
  task_expired = 12,
  model_not_found = 13,
  llm_not_found = 14,
  agent_not_found = 15,
  task_not_found = 16,
  slot_not_found = 17,
  session_not_found = 18,
  profile_not_found = 19,
  job_not_found = 20,
  name_conflict = 21,
  invalid_json = 22,
  invalid_request = 23,
  invalid_priority = 24,
  unauthorized = 25,
  forbidden = 26,
  draining = 27,
  store_full = 28,
  store_failed = 29,
  method_not_allowed = 30,
  body_too_large = 31,
  unsupported_media_type = 32,
  not_found = 33,
  idempotency_key_reused = 34,
  stale_claim = 35,
  forbidden_host = 36,
  await_timeout = 37,
};

inline constexpr std::uint8_t error_code_max = 37;

/// @returns the wire word, which is the enumerator's name.
std::string_view to_string(ErrorCode code);

/// @returns the code with that wire word, or nothing.
std::optional<ErrorCode> parse_error_code(std::string_view word);

/// A named fact about an error, shown beside its message (`profile`, `max_queued`, `backend_status`
/// ...).
using DetailValue = std::variant<std::int64_t, double, std::string>;

struct Error {
  ErrorCode code = ErrorCode::none;
  /// One sentence for people.
  std::string message;
  /// The request field at fault, empty when it is not about one.
  std::string param;
  /// In the order they are shown.
  std::vector<std::pair<std::string, DetailValue>> details;
  /// After how many seconds another try makes sense; 0 = not said. Range shown to callers: 1..60.
  double retry_after_s = 0;
  /// Status of the backend's answer when it is passed on (4xx only), else 0.
  int backend_status = 0;
  /// The backend's answer body when it is JSON of at most 16 KiB, else empty.
  std::string backend_body;
  /// True when the backend made the error, false when the broker did.
  bool from_backend = false;

  [[nodiscard]] Error with(std::string name, DetailValue value) && {
    details.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
  [[nodiscard]] Error at_param(std::string name) && {
    param = std::move(name);
    return std::move(*this);
  }
  [[nodiscard]] Error retry_after(double seconds) && {
    retry_after_s = seconds;
    return std::move(*this);
  }

  friend bool operator==(const Error&, const Error&) = default;
};

/// @returns the status of the backend's answer, whether it is passed on or only told; 0 = none.
std::int32_t backend_status_of(const Error& error);

inline Error make_error(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  return error;
}

/// @param param the field at fault.
inline Error invalid_request(std::string message, std::string param) {
  return make_error(ErrorCode::invalid_request, std::move(message)).at_param(std::move(param));
}

/// Only `.value()` on a failed result comes here; our code asks first, so this is a bug.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  std::fprintf(stderr, "signalbox: unchecked error: %s\n", error.message.c_str());
  std::abort();
}

template <class T>
using Result = boost::system::result<T, Error>;

}  // namespace signalbox

/// Holds in every build: a broken invariant must stop the daemon before it can write it down.
#define SIGNALBOX_ASSERT(condition)                                                           \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      std::fprintf(stderr, "signalbox: %s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
