// The ways in which a call to a push worker fails, told apart: by code, by the detail `stage`, and
// in words that name the worker.
//
//   stage           code                                  what happened
//   connect         backend_unreachable                   nobody listens there
//   submit          backend_error, backend_status         POST /v1/inference answered a status
//   answer          backend_error                         … answered what is of no use
//                   backend_stream_failed                 … answered nothing
//   stream_connect  backend_stream_failed                 no event stream under sse_url
//   stream          backend_stream_failed, backend_error  cut, stalled; an error instead of tokens
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/ports.hpp"
#include "http/upstream/answer_collector.hpp"
#include "http/upstream/base_url.hpp"

namespace signalbox::http {

class PushErrors {
 public:
  explicit PushErrors(const BaseUrl& worker);

  /// POST has no answer. @pre result.end is neither complete nor stopped.
  [[nodiscard]] BackendFailed no_answer(const ExchangeResult& result) const;
  /// POST answered a status that is no 2xx.
  [[nodiscard]] BackendFailed refused(const AnswerCollector& answer) const;
  /// @param why follows the worker's name.
  [[nodiscard]] BackendFailed unreadable(std::string_view why) const;

  /// The stream's request has no answer, or the stream ended early. @param head_seen it had begun.
  [[nodiscard]] BackendFailed no_stream(const ExchangeResult& result, bool head_seen) const;
  /// The stream's request was answered with something else.
  [[nodiscard]] BackendFailed not_a_stream(const AnswerCollector& answer) const;
  /// The stream reports an error. @param data of the event. @param began tokens had come.
  [[nodiscard]] BackendFailed reported(std::string_view data, bool began) const;
  [[nodiscard]] BackendFailed broken(std::string_view why, bool retryable) const;

 private:
  [[nodiscard]] BackendFailed failed(ErrorCode code, std::string_view stage, std::string_view why,
                                     bool retryable) const;

  /// "the worker at HOST:PORT".
  std::string x_worker;
};

}  // namespace signalbox::http
