#include "cli/worker/worker_answer.hpp"

#include "cli/worker/worker_bodies.hpp"

namespace signalbox::cli {

AnswerKind kind_of(const BrokerAnswer& answer) {
  const int status = answer.status;
  if (status == 0) return answer.may_have_arrived ? AnswerKind::unknown : AnswerKind::later;
  if (status >= 200 && status < 300) return AnswerKind::accepted;
  if (status == 409) return AnswerKind::conflict;
  if (status == 401 || status == 403) return AnswerKind::unauthorized;
  if (status == 404) {
    const std::string code = read_error_code(answer.body);
    return code == "task_not_found" ? AnswerKind::conflict : AnswerKind::session_gone;
  }
  if (status == 408 || status == 425 || status == 429 || status == 503) return AnswerKind::later;
  return status >= 500 ? AnswerKind::unknown : AnswerKind::refused;
}

Failure describe(const BrokerAnswer& answer) {
  if (answer.status != 0) return to_failure(answer.status, answer.body);
  return {ExitCode::unreachable, to_printable(answer.reason)};
}

}  // namespace signalbox::cli
