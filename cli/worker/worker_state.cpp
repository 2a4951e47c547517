#include "cli/worker/worker_state.hpp"

#include <utility>

#include "cli/worker/worker_bodies.hpp"

namespace signalbox::cli {

void WorkerState::take_registration(const BrokerAnswer& answer) {
  const AnswerKind kind = kind_of(answer);
  if (kind == AnswerKind::unauthorized) return take_unauthorized(answer);
  if (kind == AnswerKind::accepted) {
    if (auto session = read_session(answer.body)) {
      x_session = std::move(*session);
      x_is_enrolled = true;
      ++x_registration;
      return;
    }
  }
  const bool is_broker_away = kind == AnswerKind::later || kind == AnswerKind::unknown;
  // What has worked once is worth waiting for: the name's other holder goes, a proxy comes back.
  if (is_broker_away || x_registration > 0) return;
  x_failure = kind == AnswerKind::accepted
                  ? Failure{ExitCode::failure, "the broker's answer names no session"}
                  : describe(answer);
  if (kind == AnswerKind::conflict) x_failure->exit_code = ExitCode::rejected;
}

void WorkerState::take_bound() {
  x_is_bound = true;
  x_is_drained = false;
}

void WorkerState::take_stream_end(const BrokerAnswer& answer) {
  x_is_bound = false;
  const AnswerKind kind = kind_of(answer);
  if (kind == AnswerKind::session_gone) x_is_enrolled = false;
  if (kind == AnswerKind::unauthorized) take_unauthorized(answer);
}

void WorkerState::take_session_gone(std::uint64_t registration) {
  if (registration == x_registration) x_is_enrolled = false;
}

void WorkerState::take_unauthorized(const BrokerAnswer& answer) {
  if (x_failure) return;
  x_failure = describe(answer);
  x_failure->exit_code = ExitCode::auth;
}

void WorkerState::take_drain(const DrainFrame& frame) {
  x_is_drained = true;
  if (frame.retry) {
    x_retry = frame.retry;
  } else {
    x_is_dismissed = true;
  }
}

void WorkerState::take_stop() {
  x_is_stopping = true;
}

void WorkerState::take_drain_answer(const BrokerAnswer& answer) {
  // Accepted, the broker says on the stream from where on it sends no more.
  if (kind_of(answer) != AnswerKind::accepted || !x_is_bound) x_is_drained = true;
}

LinkStep WorkerState::next_step() const {
  // A binding while leaving would only fetch the held tasks anew.
  if (x_failure || is_leaving()) return LinkStep::end;
  return x_is_enrolled ? LinkStep::bind : LinkStep::enroll;
}

InferStep WorkerState::judge(const InferFrame& frame,
                             const std::optional<std::uint64_t>& held) const {
  if (x_is_drained) return InferStep::ignore;
  if (!held) return InferStep::run;
  return frame.attempt == 0 || frame.attempt > *held ? InferStep::replace : InferStep::ignore;
}

std::optional<std::chrono::milliseconds> WorkerState::take_retry() {
  return std::exchange(x_retry, std::nullopt);
}

}  // namespace signalbox::cli
