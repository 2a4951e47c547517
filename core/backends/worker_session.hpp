// One worker's session: what it offers, whether it is there, what it holds, what it is being woken
// for (mission B4-B7). Pure: time is handed in, what follows comes back as values.
//
//              hear, bind                    drain
//   inactive ─────────────▶ active ─────────────────────▶ draining
//      ▲                      │                               │
//      └── channel closed, no heartbeat in time ──────────────┘
//
// Active says that it was heard of; only a session with an open channel can be given work.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/backends/llm.hpp"
#include "core/base/ids.hpp"
#include "core/base/time.hpp"
#include "core/tasks/task.hpp"

namespace signalbox {

/// LLMs one session may offer.
inline constexpr std::size_t session_llms_max = 64;
/// Calls at once that one LLM may declare.
inline constexpr std::uint32_t llm_capacity_max = 10'000;

struct OfferedLlm {
  std::string name;
  std::string type;
  std::string model;
  std::string tier;
  std::string pool;
  /// Range: 1..llm_capacity_max.
  std::uint32_t capacity = 1;
  /// active or hibernating, as the worker said last.
  LlmStatus status = LlmStatus::active;

  friend bool operator==(const OfferedLlm&, const OfferedLlm&) = default;
};

/// @returns invalid_request with `param` for names, numbers or doubles that cannot be taken.
std::optional<Error> check(const std::vector<OfferedLlm>& llms);

/// What the store keeps of a session, so that it can be bound again after a restart.
struct WorkerRegistration {
  SessionId session;
  std::string owner;
  std::string address;
  std::vector<OfferedLlm> llms;
  /// Later registrations win over earlier ones of the same name.
  WallTime registered_at{};

  friend bool operator==(const WorkerRegistration&, const WorkerRegistration&) = default;
};
std::string encode(const WorkerRegistration& registration);
std::optional<WorkerRegistration> decode_worker_registration(std::string_view text);

enum class SessionState : std::uint8_t { inactive, active, draining };
std::string_view to_string(SessionState state);

struct SessionRules {
  /// Silence after which a session is given up.
  Duration heartbeat_timeout = std::chrono::seconds{90};
  /// From the wake frame to its answer.
  Duration wake_timeout = std::chrono::seconds{60};
};

/// A task that was sent to the worker and is not over.
struct HeldTask {
  TaskId id;
  /// Of the claim it was sent under.
  Epoch epoch = 0;
  std::uint32_t attempt = 0;
  std::string llm;
};

struct Wake {
  /// The wake's own id.
  TaskId id;
  std::string llm;
};

class WorkerSession {
 public:
  /// Names one opened channel.
  using ChannelNumber = std::uint64_t;

  explicit WorkerSession(SessionRules rules) : x_rules{rules} {}

  // -- presence -----------------------------------------------------------------------------------
  void offer(std::vector<OfferedLlm> llms) { x_llms = std::move(llms); }
  /// Takes out those that another session has taken over.
  void forget_llms(const std::vector<std::string>& names);
  /// Any sign of life. @returns true when it was inactive before.
  bool hear(Instant now);
  /// What a heartbeat says of one LLM; also the answer to its wake. @returns true when that is
  /// news.
  bool set_status(std::string_view llm, LlmStatus status);
  /// Opens a channel in place of the one before; it is there again if it drained.
  /// @returns the channel that is to be closed.
  std::optional<ChannelNumber> bind(ChannelNumber channel, Instant now);
  /// @returns false unless `channel` is the open one. The session is inactive then.
  bool unbind(ChannelNumber channel);
  void drain();
  /// Ends what is due. @returns true when the session was silent for too long: it is inactive and
  /// its channel, if open, is to be closed.
  bool expire(Instant now);
  /// When expire() is to be called next.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] SessionState state() const { return x_state; }
  [[nodiscard]] std::optional<ChannelNumber> channel() const { return x_channel; }
  [[nodiscard]] bool is_open() const { return x_channel && x_state == SessionState::active; }
  [[nodiscard]] const std::vector<OfferedLlm>& llms() const { return x_llms; }
  /// As the directory is to see that LLM.
  [[nodiscard]] LlmStatus status_of(const OfferedLlm& llm) const;
  [[nodiscard]] std::uint32_t capacity() const;

  // -- work ---------------------------------------------------------------------------------------
  void hold(HeldTask task);
  /// @param attempt the one the worker names, if it does: another is stale.
  [[nodiscard]] const HeldTask* find(TaskId id, std::optional<std::uint32_t> attempt) const;
  /// @returns false when it was not held.
  bool release(TaskId id) { return x_held.erase(id) > 0; }
  /// Everything it held, in the order of ids; nothing is held any more.
  std::vector<HeldTask> take_held();
  [[nodiscard]] std::size_t in_flight() const { return x_held.size(); }

  // -- wake ---------------------------------------------------------------------------------------
  /// @returns false when that LLM is being woken already, or sleeps not.
  bool begin_wake(const std::string& llm, TaskId id, Instant now);
  /// The worker answered. @returns the wake, or nothing when there is none of that id.
  std::optional<Wake> end_wake(TaskId id);
  /// @returns wakes nobody answered in time, or of a session that is gone.
  std::vector<Wake> take_failed_wakes(Instant now);

 private:
  struct OpenWake {
    Wake wake;
    Instant deadline{};
  };

  SessionRules x_rules;
  SessionState x_state = SessionState::inactive;
  std::vector<OfferedLlm> x_llms;
  std::optional<ChannelNumber> x_channel;
  Instant x_heard{};
  std::map<TaskId, HeldTask> x_held;
  std::vector<OpenWake> x_wakes;
};

}  // namespace signalbox
