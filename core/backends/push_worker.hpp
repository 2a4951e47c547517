// A worker with an HTTP server of its own, as its heartbeats tell of it (mission C1): which models
// it serves, whether it may be given work. Pure: time is handed in.
//
//   (heartbeat) ─▶ starting ─▶ ready ◀─▶ busy ─▶ stopped
//                      └── silent for too long: stale ──▶ (any heartbeat)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/backends/llm.hpp"
#include "core/base/error.hpp"
#include "core/base/time.hpp"

namespace signalbox {

/// What a worker says of itself, and `stale`, which is said of one that says nothing.
enum class PushStatus : std::uint8_t { starting, ready, busy, stopped, stale };
std::string_view to_string(PushStatus status);
/// @returns nothing for other words; `stale` is none that a worker may say.
std::optional<PushStatus> parse_push_status(std::string_view word);

/// One heartbeat. A worker that serves several models sends one for each.
struct PushHeartbeat {
  std::string id;
  std::string model;
  std::string device;
  /// A name or an address, IPv6 without brackets.
  std::string host;
  std::uint16_t port = 0;
  PushStatus status = PushStatus::ready;
  std::string implementation;
  std::string version;
  /// Calls at once over all its models. Range: 1..llm_capacity_max.
  std::uint32_t capacity = 1;
};

/// @returns invalid_request with `param` for what cannot be taken.
std::optional<Error> check(const PushHeartbeat& heartbeat);

/// Models that one worker may serve.
inline constexpr std::size_t push_models_max = 64;

class PushWorker {
 public:
  /// @param silence_max after this without a heartbeat a model is stale.
  explicit PushWorker(Duration silence_max) : x_silence_max{silence_max} {}

  /// @returns invalid_request when it serves too many models already.
  std::optional<Error> hear(const PushHeartbeat& heartbeat, Instant now, WallTime at);
  /// @returns true when a model has become stale.
  bool expire(Instant now, WallTime at);
  /// When expire() is to be called next.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  void call_began() { ++x_in_flight; }
  /// @param is_unreachable no connection could be made: it is given no work until it is heard of,
  /// or a second try at it goes well. @returns true when that changed llms().
  bool call_ended(bool is_done, bool is_unreachable, Instant now);

  /// As the directory is to see them: each model under its own name, or `<worker>/<model>` where
  /// that is taken; workers of one model are one pool. A busy one is there and has no room.
  [[nodiscard]] std::vector<Llm> llms() const;
  /// Of its models the one that says most of it: busy before ready before starting before stale.
  [[nodiscard]] PushStatus status() const;
  /// The heartbeat heard last.
  [[nodiscard]] const PushHeartbeat& latest() const { return x_latest; }
  [[nodiscard]] std::vector<std::string> models() const;
  [[nodiscard]] WallTime first_heard_at() const { return x_first_heard_at; }
  [[nodiscard]] WallTime heard_at() const { return x_heard_at; }
  /// Zero while it is there.
  [[nodiscard]] WallTime gone_since() const { return x_gone_since; }
  [[nodiscard]] std::uint32_t in_flight() const { return x_in_flight; }
  [[nodiscard]] std::uint64_t done() const { return x_done; }
  [[nodiscard]] std::uint64_t failed() const { return x_failed; }

 private:
  struct Model {
    PushStatus status = PushStatus::starting;
    /// Somebody else's calls keep it busy.
    bool is_full = false;
    Instant heard{};
  };
  void note_presence(WallTime at);

  Duration x_silence_max;
  /// By model.
  std::map<std::string, Model> x_models;
  PushHeartbeat x_latest;
  WallTime x_first_heard_at{};
  WallTime x_heard_at{};
  WallTime x_gone_since{};
  Instant x_last_end{};
  bool x_is_unreachable = false;
  std::uint32_t x_in_flight = 0;
  std::uint64_t x_done = 0;
  std::uint64_t x_failed = 0;
};

}  // namespace signalbox
