// What is said when one of a call's two budgets is over (mission A4).
#pragma once

#include <string>

#include "core/base/error.hpp"
#include "core/base/priority.hpp"

namespace signalbox {

/// @param queue_wait_s the budget. @param retry_after_s a guess at when another try makes sense.
/// @param unserved what was asked for, when no backend was there that serves it; else empty.
inline Error queue_wait_timeout(const std::string& profile, Priority priority, double queue_wait_s,
                                double retry_after_s, const std::string& unserved = {}) {
  const std::string missed = unserved.empty() ? "no slot of profile " + profile + " became free"
                                              : "no backend for \"" + unserved + "\" was online";
  return make_error(ErrorCode::queue_wait_timeout, missed + " within the queue wait budget")
      .with("profile", profile)
      .with("priority", std::string{to_string(priority)})
      .with("queue_wait_s", queue_wait_s)
      .retry_after(retry_after_s);
}

/// @param message who did not finish.
inline Error inference_timeout(const std::string& profile, double inference_s,
                               std::string message) {
  return make_error(ErrorCode::inference_timeout, std::move(message))
      .with("inference_s", inference_s)
      .with("profile", profile);
}

}  // namespace signalbox
