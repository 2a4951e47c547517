// Where a worker stands with its broker, and what it does next. Pure: worker_program.cpp feeds it
// what happens and does what it says.
//
//             201                    stream open
//   enroll ─────────▶ bind (again) ─────────────▶ bound
//     ▲                 ▲      │ 404                │
//     │                 └──────┼──── stream closed ─┤
//     └──── session unknown ◀──┴────────────────────┘
//
// Leaving (a signal, or an operator's drain) takes no new tasks, lets the running ones end and
// deletes the session.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/worker/worker_answer.hpp"
#include "cli/worker/worker_frames.hpp"

namespace signalbox::cli {

enum class LinkStep : std::uint8_t {
  /// Register, with the old session if there was one.
  enroll,
  /// Open the stream.
  bind,
  /// Nothing more: the worker leaves, or has failed.
  end,
};

enum class InferStep : std::uint8_t {
  run,
  /// Abort the run of an older attempt, then run.
  replace,
  ignore,
};

class WorkerState {
 public:
  /// @param session of an earlier start, empty = none.
  explicit WorkerState(std::string session) : x_session{std::move(session)} {}

  // What happens ------------------------------------------------------------------------------

  /// The answer to a registration.
  void take_registration(const BrokerAnswer& answer);
  void take_bound();
  /// @param answer its status is 0 or 200 for a stream that was open and ended.
  void take_stream_end(const BrokerAnswer& answer);
  /// A call under the registration of that number was answered with 404.
  void take_session_gone(std::uint64_t registration);
  void take_unauthorized(const BrokerAnswer& answer);
  void take_drain(const DrainFrame& frame);
  /// A signal asks the worker to end.
  void take_stop();
  /// The answer to our own drain.
  void take_drain_answer(const BrokerAnswer& answer);

  // What to do --------------------------------------------------------------------------------

  [[nodiscard]] LinkStep next_step() const;
  /// @param held the attempt of the task's run, if there is one.
  [[nodiscard]] InferStep judge(const InferFrame& frame,
                                const std::optional<std::uint64_t>& held) const;
  /// True once running tasks are only awaited.
  [[nodiscard]] bool is_leaving() const { return x_is_stopping || x_is_dismissed; }
  [[nodiscard]] bool is_stopping() const { return x_is_stopping; }
  [[nodiscard]] bool is_bound() const { return x_is_bound; }
  [[nodiscard]] bool is_enrolled() const { return x_is_enrolled; }
  /// Why the worker ends as failed.
  [[nodiscard]] const std::optional<Failure>& failure() const { return x_failure; }
  [[nodiscard]] const std::string& session() const { return x_session; }
  /// Counts the registrations; 0 = none yet.
  [[nodiscard]] std::uint64_t registration() const { return x_registration; }
  /// The pause a restarting broker asked for; asked once.
  std::optional<std::chrono::milliseconds> take_retry();

 private:
  std::string x_session;
  std::uint64_t x_registration = 0;
  bool x_is_enrolled = false;
  bool x_is_bound = false;
  /// No new tasks on this binding.
  bool x_is_drained = false;
  bool x_is_stopping = false;
  /// An operator wants the worker gone.
  bool x_is_dismissed = false;
  std::optional<std::chrono::milliseconds> x_retry;
  std::optional<Failure> x_failure;
};

}  // namespace signalbox::cli
