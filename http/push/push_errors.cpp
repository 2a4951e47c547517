#include "http/push/push_errors.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "http/upstream/stream_assembler.hpp"
#include "http/upstream/upstream_errors.hpp"

namespace signalbox::http {

namespace {

using End = ExchangeResult::End;

constexpr std::size_t plain_words_bytes_max = 200;

void add_stage(BackendFailed& failure, std::string_view stage) {
  failure.error.details.emplace_back("stage", std::string(stage));
}

/// @returns what a body says about an error: in JSON, or as a line of plain text; may be empty.
std::string words_in(std::string_view body) {
  if (std::string words = error_message_of(body); !words.empty()) return words;
  const std::string_view line = body.substr(0, body.find_first_of("\r\n"));
  const bool is_prose = !line.empty() && line.size() <= plain_words_bytes_max &&
                        std::string_view("<{[\"").find(line.front()) == std::string_view::npos &&
                        std::none_of(line.begin(), line.end(), [](char c) {
                          return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
                        });
  return is_prose ? std::string(line) : std::string();
}

/// ", words" where there are words.
std::string behind(std::string_view mark, const std::string& words) {
  return words.empty() ? std::string() : std::string(mark) + words;
}

/// @returns why there is no connection, without where to: that is said already.
std::string reason_of(const Error& error) {
  const auto colon = error.message.find(": ");
  return colon == std::string::npos ? error.message : error.message.substr(colon + 2);
}

std::string_view what_happened(End end) {
  switch (end) {
    case End::closed:
      return "closed the connection";
    case End::timed_out:
      return "fell silent for too long";
    case End::malformed:
      return "answered what is no HTTP";
    case End::unreachable:
    case End::cancelled:
    case End::complete:
    case End::stopped:
      break;
  }
  return "did not answer";
}

}  // namespace

PushErrors::PushErrors(const BaseUrl& worker)
    : x_worker(
          "the worker at " +
          (worker.host.find(':') == std::string::npos ? worker.host : "[" + worker.host + "]") +
          ":" + std::to_string(worker.port)) {}

BackendFailed PushErrors::failed(ErrorCode code, std::string_view stage, std::string_view why,
                                 bool retryable) const {
  BackendFailed failure{.error = make_error(code, x_worker + " " + std::string(why)),
                        .retryable = retryable};
  add_stage(failure, stage);
  return failure;
}

BackendFailed PushErrors::no_answer(const ExchangeResult& result) const {
  if (result.end == End::cancelled) return exchange_failure(result, false, false);
  if (result.end == End::unreachable)
    return failed(ErrorCode::backend_unreachable, "connect",
                  "cannot be reached: " + reason_of(result.error), true);
  const bool is_cut = result.end == End::closed || result.end == End::timed_out;
  return failed(is_cut ? ErrorCode::backend_stream_failed : ErrorCode::backend_error, "answer",
                std::string(what_happened(result.end)) + " instead of answering", true);
}

BackendFailed PushErrors::refused(const AnswerCollector& answer) const {
  const AnswerHead& head = answer.head();
  BackendFailed failure = status_failure(head.status, answer.body(), head.retry_after);
  const bool is_redirect = head.status >= 300 && head.status < 400;
  failure.error.message =
      x_worker + " answered " + std::to_string(head.status) +
      (is_redirect ? ": a redirect, which is not followed" : behind(": ", words_in(answer.body())));
  add_stage(failure, "submit");
  return failure;
}

BackendFailed PushErrors::unreadable(std::string_view why) const {
  BackendFailed failure = failed(ErrorCode::backend_error, "answer", why, true);
  failure.error.from_backend = true;
  return failure;
}

BackendFailed PushErrors::no_stream(const ExchangeResult& result, bool head_seen) const {
  if (result.end == End::cancelled) return exchange_failure(result, head_seen, true);
  const std::string_view what = what_happened(result.end);
  if (head_seen) return broken(std::string(what) + " in the middle of its stream", true);
  const std::string why =
      result.end == End::unreachable
          ? "took the job but no connection for its stream: " + reason_of(result.error)
          : std::string(what) + " when asked for its stream";
  return failed(ErrorCode::backend_stream_failed, "stream_connect", why, true);
}

BackendFailed PushErrors::not_a_stream(const AnswerCollector& answer) const {
  const AnswerHead& head = answer.head();
  const std::string what = answer.succeeded() ? "answered with no event stream"
                                              : "answered " + std::to_string(head.status);
  BackendFailed failure =
      failed(ErrorCode::backend_stream_failed, "stream_connect",
             what + " when asked for its stream" + behind(": ", words_in(answer.body())), true);
  failure.error.from_backend = true;
  failure.error.details.emplace_back("backend_status", std::int64_t{head.status});
  return failure;
}

BackendFailed PushErrors::reported(std::string_view data, bool began) const {
  BackendFailed failure = event_failure(data, 200);
  failure.error.message = x_worker + " reported an error" + behind(": ", words_in(data));
  if (began) failure.error.code = ErrorCode::backend_stream_failed;
  add_stage(failure, "stream");
  return failure;
}

BackendFailed PushErrors::broken(std::string_view why, bool retryable) const {
  return failed(ErrorCode::backend_stream_failed, "stream", why, retryable);
}

}  // namespace signalbox::http
