// All that a plugin may use of signalbox: answer calls for an LLM, submit tasks, hold slots, watch
// calls. This header stands alone, so a plugin needs nothing else of this tree (docs/plugins.md).
//
// A plugin is a shared object with one C function, signalbox_plugin(), or the same linked in. What
// crosses the border are C++ types, so both sides must be built by compilers of one ABI against one
// standard library; `abi` and `version` are compared when it is loaded.
//
// Threads: everything of a Plugin, and every function it hands over, is called on one thread, the
// plugin's own, one after another. A Backend is called on threads of its own, one per call. An
// exception ends only what was being done. A plugin that stays too long in a call harms nobody but
// itself: what waits for it ends by its own budgets.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace signalbox::plugin {

/// Rises with every change of this header that an older plugin would not survive.
inline constexpr std::uint32_t abi = 1;
/// The signalbox that this header belongs to. The first two numbers must agree.
inline constexpr const char* version = "0.1.0";

/// What is asked for, in the words of docs/protocol.md.
enum class Kind : std::uint8_t { chat = 0, completion = 1, embedding = 2 };
enum class Priority : std::uint8_t { interactive = 0, workflow = 1, background = 2 };

/// What went wrong.
struct Failure {
  /// An error's word in docs/protocol.md (`queue_full`, `backend_error` ...). Empty = all is well.
  std::string code;
  /// One sentence for people.
  std::string message;

  explicit operator bool() const { return !code.empty(); }
};

// -- a backend ------------------------------------------------------------------------------------

/// An LLM as callers will see it.
struct LlmOffer {
  /// 1-128 of [A-Za-z0-9._:/@+-]. Where it is taken, `<plugin>/<name>` is used.
  std::string name;
  /// Empty = `name`.
  std::string model = {};
  /// Shown in lists.
  std::string type = "plugin";
  /// LLMs of one pool share their work; empty = it is a pool of its own.
  std::string pool = {};
  std::string tier = {};
  /// Calls at once, each on a thread of its own. Range: 1..64.
  std::uint32_t capacity = 1;
};

/// The end of a call: made by one of the three functions.
struct Answer {
  /// @param json an OpenAI body, as for `stream: false`. Callers are told the tokens of its
  /// `usage`.
  static Answer whole(std::string json) { return {std::move(json), {}, false}; }
  /// All has been said by Call::say(); a caller who wants no stream gets the pieces as one body.
  static Answer streamed() { return {}; }
  /// @param is_retryable another try, here or elsewhere, may do better.
  static Answer failed(std::string message, bool is_retryable) {
    return {{}, {"backend_error", std::move(message)}, is_retryable};
  }

  std::string body = {};
  Failure failure = {};
  bool is_retryable = false;
};

/// One call for an LLM that the plugin offers; there until Backend::run() returns.
class Call {
 public:
  virtual ~Call() = default;
  /// The task's id.
  [[nodiscard]] virtual const std::string& id() const = 0;
  [[nodiscard]] virtual Kind kind() const = 0;
  /// The LLM's `model`.
  [[nodiscard]] virtual const std::string& model() const = 0;
  /// The caller's JSON body.
  [[nodiscard]] virtual const std::string& request() const = 0;
  [[nodiscard]] virtual bool is_streaming() const = 0;

  /// The caller is gone, its budget is over or the daemon stops: return soon. What runs on without
  /// looking keeps a thread; when all of them are kept so, the LLM counts as down.
  [[nodiscard]] virtual bool is_cancelled() const = 0;
  /// Gives the caller the data of one event: a JSON chunk in OpenAI's form. The closing `[DONE]` is
  /// not the plugin's to say. @returns false when nobody listens any more.
  virtual bool say(std::string_view data) = 0;
  /// Waits. @returns false, and sooner, when the call is cancelled.
  virtual bool pause(std::chrono::nanoseconds duration) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  /// Answers one call; an exception counts as a failure that may be tried again. Called by as many
  /// threads at once as the offer's capacity says.
  virtual Answer run(Call& call) = 0;
};

// -- tasks ----------------------------------------------------------------------------------------

/// A task that the plugin wants done. It is durable once submit() has been heard, and goes on
/// whatever becomes of the plugin.
struct TaskWish {
  /// An LLM, a pool or a model; it need not be there yet.
  std::string target;
  /// An OpenAI body; its `model` is set for the backend that gets it.
  std::string request;
  Kind kind = Kind::chat;
  Priority priority = Priority::background;
  bool is_streaming = false;
  /// Empty = derived from the target.
  std::string profile = {};
  /// For the call row; at most 200 bytes.
  std::string description = {};
  /// The profile's own unless given. It waits in the queue for as long as it takes.
  std::optional<std::chrono::nanoseconds> inference = {};
};

struct TaskEnd {
  std::string id;
  Failure failure;
  /// The answer, when there is no failure.
  std::string body;
  /// The LLM that ran it last.
  std::string llm;
  std::uint32_t attempts = 0;
};

/// What the plugin wants to hear of its task; either may be empty.
struct TaskWatch {
  /// Whole server-sent events of a stream, as they come. One that lags far behind misses some; the
  /// end has the whole answer.
  std::function<void(const std::string& events)> on_data = {};
  /// Once.
  std::function<void(const TaskEnd&)> on_end = {};
};

// -- slots ----------------------------------------------------------------------------------------

struct SlotWish {
  std::string profile;
  Priority priority = Priority::workflow;
  /// The profile's own unless given.
  std::optional<std::chrono::nanoseconds> queue_wait = {};
  std::optional<std::chrono::nanoseconds> inference = {};
  std::string description = {};
};

/// A slot for as long as this lives. One whose inference budget is over has been taken back: what
/// is said of it then goes nowhere. May be used on any thread.
class Slot {
 public:
  virtual ~Slot() = default;
  /// The call to the LLM server begins.
  virtual void mark_started_http() = 0;
  virtual void mark_first_token() = 0;
  /// How the call went, for its row; `ok` unless said. @param kind one word that can be counted.
  virtual void fail(std::string kind, std::string detail) = 0;
};

struct SlotGrant {
  /// Null with a failure.
  std::shared_ptr<Slot> slot;
  Failure failure;
};

// -- events ---------------------------------------------------------------------------------------

/// A call of anybody's, as it is now.
struct CallEvent {
  std::string id;
  /// chat, completion, embedding, native_chat or slot.
  std::string kind;
  std::string profile;
  Priority priority = Priority::workflow;
  std::string owner;
  std::string model;
  /// The LLM that runs it, or ran it last.
  std::string llm;
  /// queued, running, ok, queue_full, queue_wait_timeout, inference_timeout, error or cancelled.
  std::string status;
  bool has_ended = false;
  std::string error_kind;
  /// Unit: ms. Below 0 = not known yet.
  double queue_wait_ms = -1;
  double service_time_ms = -1;
  std::optional<std::uint32_t> tokens_in;
  std::optional<std::uint32_t> tokens_out;
  /// Events that were left out before this one, because the plugin lagged behind.
  std::uint64_t missed = 0;
};

// -- the house ------------------------------------------------------------------------------------

/// What a plugin asks for. Every member returns at once and may be called on any thread, from
/// start() on until stop() has returned; later calls do nothing.
class Host {
 public:
  virtual ~Host() = default;
  /// A line on the daemon's standard error, under the plugin's name.
  virtual void log(std::string_view line) = 0;
  /// From now on `backend` answers calls for that LLM. At most 64 per plugin.
  virtual void offer(LlmOffer offer, std::shared_ptr<Backend> backend) = 0;
  /// @returns the task's id. One that was not taken ends with a failure: `queue_full` when the
  /// backlog is full, or when 256 tasks of this plugin have not ended.
  virtual std::string submit(TaskWish wish, TaskWatch watch) = 0;
  /// Ends a task that this plugin submitted.
  virtual void cancel(const std::string& task) = 0;
  /// Stands in the profile's queue as every caller does. At most 64 may wait per plugin.
  virtual void acquire(SlotWish wish, std::function<void(SlotGrant)> on_end) = 0;
  /// Told of every call from now on, those under way first, and whenever one changes. One watch per
  /// plugin; another takes its place.
  virtual void watch_calls(std::function<void(const CallEvent&)> on_call) = 0;
  /// At most 256 may be open per plugin; one more is not called.
  virtual void call_later(std::chrono::nanoseconds delay, std::function<void()> what) = 0;
};

class Plugin {
 public:
  virtual ~Plugin() = default;
  /// The house is open. @param host stays until stop() has returned. An exception takes back what
  /// was offered so far; the daemon goes on without the plugin.
  virtual void start(Host& host) = 0;
  /// The daemon stops; nothing is called after it. The plugin has a second.
  virtual void stop() {}
};

/// What the entry point tells.
struct Entry {
  std::uint32_t abi = 0;
  const char* version = nullptr;
  /// Makes the plugin; quick, and without effects, for `signalbox config check` does it too.
  /// @param settings its settings as JSON. An exception says what is wrong with them.
  std::unique_ptr<Plugin> (*make)(const std::string& settings) = nullptr;
};

}  // namespace signalbox::plugin

/// To be defined by the plugin. @returns what lives as long as the program.
extern "C" __attribute__((visibility("default"))) const signalbox::plugin::Entry*
signalbox_plugin();
