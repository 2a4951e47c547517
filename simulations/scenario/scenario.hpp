// A scenario: what is simulated, as data. Read from a file by scenario_reader; docs/scenarios.md
// describes its keys.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "core/admission/profile_settings.hpp"
#include "core/backends/backend_choice.hpp"
#include "core/base/priority.hpp"
#include "core/base/time.hpp"
#include "simulations/scenario/arrival_shapes.hpp"
#include "simulations/scenario/fault.hpp"
#include "simulations/scenario/laws.hpp"
#include "simulations/scenario/retry.hpp"
#include "simulations/scenario/traffic.hpp"
#include "simulations/scenario/work_clock.hpp"

namespace signalbox::sim {

/// How a backend is reached that the broker does not call: its worker binds to the broker.
struct WorkerSpec {
  /// Between two signs of life.
  Duration heartbeat = std::chrono::seconds{30};
  /// Its model sleeps until a call comes, and takes so long to wake up; unset = it is awake.
  std::optional<Duration> wakes_in = {};

  friend bool operator==(const WorkerSpec&, const WorkerSpec&) = default;
};

/// A server that runs calls.
struct BackendSpec {
  std::string name;
  /// Empty = a pool of its own.
  std::string pool;
  /// The model's id; empty = its name.
  std::string model;
  /// Calls at once. Unset = as many as all profiles have slots, so that only those bind.
  std::optional<std::uint32_t> capacity;
  ServiceLaw service;
  /// Models that it loads one at a time, each an LLM of that name; empty = its one model is always
  /// at hand.
  std::vector<std::string> models = {};
  /// How much longer a call takes that needs another model than the call before.
  Duration swap{};
  /// What calls that run at once do to each other.
  Slowdown slowdown = {};
  /// Its answers say how many tokens they took, so that a policy can learn from them.
  bool reports_usage = false;
  /// Unset = the broker calls it.
  std::optional<WorkerSpec> worker = {};

  friend bool operator==(const BackendSpec&, const BackendSpec&) = default;
};

/// Recorded calls in a CSV file with a header line.
struct TraceSpec {
  /// Relative to the traces' folder.
  std::string file;
  std::string time_column;
  /// Empty = sizes are drawn from the client's laws.
  std::string tokens_in_column;
  std::string tokens_out_column;
  /// Length of one unit of the time column when it holds numbers; zero = it holds calendar times.
  Duration time_unit{};
  /// Its first row comes when its client starts, whatever its time is.
  bool from_first = false;
  /// How many times as fast as recorded its rows come. Unit: 1/1,000. Range: 1..1000000.
  std::uint32_t traffic = traffic_as_recorded;

  friend bool operator==(const TraceSpec&, const TraceSpec&) = default;
};

/// What a client does about one call once it has made it; unset = nothing of the kind.
struct CallActs {
  /// All since the call was made. It is cancelled by its id.
  std::optional<Duration> cancel_after = {};
  /// The caller's connection is gone.
  std::optional<Duration> hang_up_after = {};
  /// It is made a second time under the same idempotency key.
  std::optional<Duration> duplicate_after = {};

  friend bool operator==(const CallActs&, const CallActs&) = default;
};

/// One recorded call.
struct TraceRow {
  /// Since 1970 for calendar times, else since the recording's own zero.
  Duration at{};
  /// Unset where nobody recorded it.
  std::optional<std::uint32_t> tokens_in;
  std::optional<std::uint32_t> tokens_out;
  std::optional<Duration> service = {};
  /// In place of what its client's laws say.
  CallActs acts = {};
  std::optional<std::uint32_t> session = {};

  friend bool operator==(const TraceRow&, const TraceRow&) = default;
};

enum class ArrivalKind : std::uint8_t {
  poisson,
  constant,
  hyperexp,
  on_off,
  closed,
  trace,
  recorded,
};

/// When a client calls.
struct ArrivalLaw {
  ArrivalKind kind = ArrivalKind::poisson;
  /// Between two calls: the mean, or always (constant); of short gaps (hyperexp), or within a burst
  /// (on_off).
  Duration gap{};
  TraceSpec trace = {};
  /// For recorded: since the run's start, in the order of their times.
  std::shared_ptr<const std::vector<TraceRow>> rows = nullptr;
  /// Of the kinds of these names.
  Hyperexp hyperexp = {};
  OnOff on_off = {};
  UserLaw closed = {};

  /// Rows are compared by what they say.
  friend bool operator==(const ArrivalLaw& left, const ArrivalLaw& right);
};

/// An act that a client does about some of its calls.
struct ActLaw {
  /// Unit: ns.
  Law after;
  /// Share of its calls. Range: 0..100.
  std::uint32_t percent = 100;

  friend bool operator==(const ActLaw&, const ActLaw&) = default;
};

/// How a client holds slots for calls that it makes itself.
struct SlotUse {
  /// How long a call of its own takes.
  ServiceLaw hold;
  /// A slot is lost when it was not renewed for so long; zero = it lasts as long as its connection.
  Duration lease{};
  /// Between two renewals; zero = it never renews.
  Duration renew_every{};

  friend bool operator==(const SlotUse&, const SlotUse&) = default;
};

/// A stream of calls that are alike.
struct ClientSpec {
  std::string name;
  Priority priority = Priority::workflow;
  std::string owner;
  std::string profile;
  /// A backend, a pool or a model. Empty when it holds slots.
  std::string target;
  ArrivalLaw arrival;
  Law tokens_in;
  Law tokens_out;
  /// Unset = the profile's.
  std::optional<Duration> queue_wait;
  std::optional<Duration> inference;
  /// Its calls say how large they are, and their `max_tokens` is just what they come to. Else a
  /// policy that looks at sizes is told nothing.
  bool declares_size = false;
  /// How far what it says of its answers' lengths is off: right on average, with this standard
  /// deviation as a share of the truth. Unit: 1/1,000. Range: 0..1000.
  std::uint32_t size_error = 0;
  /// It asks for an id, and waits for no answer.
  bool is_async = false;
  /// It asks for a stream; what a backend says for it comes in events.
  bool streaming = false;
  std::optional<ActLaw> cancel = {};
  std::optional<ActLaw> hang_up = {};
  std::optional<ActLaw> duplicate = {};
  /// Unset = it calls but once.
  std::optional<RetryLaw> retry = {};
  /// Calls it makes at most; unset = as many as the scenario goes on.
  std::optional<std::uint64_t> tasks;
  /// Before this it makes none.
  Duration start{};
  /// Its calls belong to so many sessions, each as likely, which its owner's other clients share;
  /// 0 = to none.
  std::uint32_t sessions = 0;
  /// It makes its calls itself, and holds a slot for each.
  std::optional<SlotUse> slot = {};
  /// Its calls say how large they are themselves, and nothing of their answers.
  bool declares_input = false;

  friend bool operator==(const ClientSpec&, const ClientSpec&) = default;
};

struct Scenario {
  /// For headings: the file's name without its ending.
  std::string name;
  std::uint64_t seed = 1;
  /// Calls end to be made after so many, or at this time, whichever is first; then the line is
  /// worked off. At least one is set unless every client has an end of its own.
  std::optional<std::uint64_t> tasks;
  std::optional<Duration> horizon;
  /// The first calls, which the figures of the classes leave out.
  std::uint64_t warmup_tasks = 0;
  /// Waits for the disk are nothing here, but the order of messages is the mode's.
  CommitMode commit = CommitMode::sync;
  std::map<std::string, ProfileSettings> profiles;
  /// How pools choose among their backends, where it is not the usual choice.
  std::map<std::string, ChoiceKind> pools = {};
  std::vector<BackendSpec> backends;
  std::vector<ClientSpec> clients;
  /// A worker that is silent for so long has gone.
  Duration worker_timeout = std::chrono::seconds{90};
  /// In any order; what is due at one time comes in this one.
  std::vector<Fault> faults = {};
  /// Which ready actor runs next is drawn from this; unset = first come, first served.
  std::optional<std::uint64_t> schedule_seed = {};
  /// Without, a backend that fails its calls is given more of them.
  bool has_breaker = true;
  /// Unset = nothing is collected, and a task is forgotten when it has ended.
  std::optional<config::GcSettings> gc = {};

  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// Every profile's policy becomes `policy`.
void set_policy(Scenario& scenario, const std::string& policy);

/// Every profile gets that many slots.
void set_slots(Scenario& scenario, std::uint32_t slots);

/// @returns whether nothing goes wrong in it and every caller waits for its answer: then a run
/// needs neither what the house remembers of tasks that have ended, nor its rows of calls.
bool is_plain(const Scenario& scenario);

/// @returns the slots of all profiles; one that does not say counts as one.
std::uint32_t count_slots(const Scenario& scenario);

}  // namespace signalbox::sim
