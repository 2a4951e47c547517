#include "simulations/world/call_script.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"

namespace signalbox::sim {
namespace {

using Step = actors::Playback::Step;
using Steps = std::vector<Step>;

const char* const event_stream = "text/event-stream";

BackendFailed failed(ErrorCode code, std::string words, bool is_retryable) {
  BackendFailed failure;
  failure.error = make_error(code, std::move(words));
  failure.error.from_backend = true;
  failure.retryable = is_retryable;
  return failure;
}

Step finish(Duration delay, bool streaming) {
  BackendFinished finished;
  finished.content_type = streaming ? event_stream : "application/json";
  if (streaming) finished.tail = make_bytes("[DONE]");
  return {delay, std::move(finished)};
}

Step break_off(Duration delay) {
  return {delay, failed(ErrorCode::backend_stream_failed, "the connection broke", true)};
}

Step confirm_abort(Duration delay) {
  return {delay, failed(ErrorCode::backend_stream_failed, "aborted", false)};
}

/// As the client of real servers reads such an answer (http/upstream/upstream_errors.cpp).
BackendFailed status_failure(const Fault& fault) {
  const bool is_client_side = fault.amount < 500;
  const bool is_retryable = fault.amount == 408 || fault.amount == 429 || !is_client_side;
  BackendFailed failure =
      failed(ErrorCode::backend_error,
             "the backend answered with status " + std::to_string(fault.amount), is_retryable);
  failure.error.details.emplace_back("backend_status", fault.amount);
  if (is_client_side) failure.error.backend_status = static_cast<int>(fault.amount);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(fault.delay).count();
  if (is_retryable) failure.error.retry_after_s = static_cast<double>(std::min(seconds, 60L));
  return failure;
}

/// A stream's events come evenly over the call's time, the first of them when it begins.
Steps good_steps(Duration time, const CallSize& size, bool streaming) {
  Steps steps;
  if (!streaming) {
    steps.push_back(finish(time, false));
    return steps;
  }
  const std::uint32_t events = std::clamp(size.tokens_out, 1U, stream_events_max);
  const Duration gap = time / (events + 1);
  steps.push_back({gap, BackendBegan{200, event_stream}});
  for (std::uint32_t number = 0; number < events; ++number) {
    const Duration delay = number == 0 ? Duration::zero() : gap;
    steps.push_back({delay, BackendEvents{make_bytes("data: x\n\n")}});
  }
  steps.push_back(finish(time - gap * events, true));
  return steps;
}

/// @returns the step that is waited for at `at`, and how long it has been waited for by then.
std::pair<std::size_t, Duration> step_at(const Steps& steps, Duration at) {
  Duration begins{};
  for (std::size_t index = 0; index + 1 < steps.size(); ++index) {
    if (begins + steps[index].delay > at) return {index, at - begins};
    begins += steps[index].delay;
  }
  return {steps.size() - 1, at - begins};
}

void cut(Steps& steps, Duration at) {
  const auto [index, waited] = step_at(steps, at);
  steps.resize(index);
  steps.push_back(break_off(waited));
}

}  // namespace

actors::Playback script_call(Duration time, const CallSize& size, bool streaming,
                             const Fault* fault) {
  actors::Playback playback;
  Steps& steps = playback.steps;
  steps = good_steps(time, size, streaming);
  if (fault == nullptr) return playback;
  const Duration turning_point = time / 100 * fault->amount;
  switch (fault->kind) {
    case FaultKind::refuse:
    case FaultKind::gone:
    case FaultKind::death:
    case FaultKind::flapping:
      steps = {{Duration::zero(),
                failed(ErrorCode::backend_unreachable, "the backend cannot be reached", true)}};
      break;
    case FaultKind::hang:
      steps.clear();
      break;
    case FaultKind::slow_start:
      steps.front().delay += fault->delay;
      break;
    case FaultKind::stall:
      steps[step_at(steps, turning_point).first].delay += fault->delay;
      break;
    case FaultKind::cut:
      cut(steps, turning_point);
      if (fault->delay > Duration::zero()) steps.push_back(finish(fault->delay, streaming));
      break;
    case FaultKind::status:
      steps = {{steps.front().delay, status_failure(*fault)}};
      break;
    case FaultKind::garbage:
      steps = {{steps.front().delay,
                failed(ErrorCode::backend_error, "the backend's answer cannot be read", false)}};
      break;
    case FaultKind::double_completion:
      steps.push_back(finish(Duration::zero(), streaming));
      break;
    case FaultKind::late_completion:
      playback.after_abort = {confirm_abort(Duration::zero()), finish(fault->delay, streaming)};
      break;
    case FaultKind::slow_abort:
      playback.after_abort = {confirm_abort(fault->delay)};
      break;
    case FaultKind::wrong_usage:
    case FaultKind::capacity:
    case FaultKind::slots:
    case FaultKind::bound:
    case FaultKind::policy:
    case FaultKind::edit_slots:
    case FaultKind::drop_profile:
    case FaultKind::crash:
    case FaultKind::crash_before_commit:
    case FaultKind::crash_after_commit:
    case FaultKind::full_disk:
    case FaultKind::slow_sync:
    case FaultKind::drain:
    case FaultKind::wall_jump:
      break;
  }
  return playback;
}

}  // namespace signalbox::sim
