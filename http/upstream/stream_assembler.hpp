// A backend's stream turned into the body it would have answered without streaming, and the way
// back. Works on raw JSON text: whatever is not text to be joined (ids, usage, numbers) keeps the
// backend's own bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/tasks/task.hpp"

namespace signalbox::http {

/// Members collected over many chunks, in order of first appearance.
class MergedMembers {
 public:
  /// Strings are joined, arrays lengthened, everything else replaced; null never replaces a value.
  void append(std::string_view name, std::string_view raw);
  /// The latest value that is not null counts.
  void replace(std::string_view name, std::string_view raw);
  /// The first value that is neither null nor "" counts.
  void keep(std::string_view name, std::string_view raw);

  [[nodiscard]] bool empty() const { return x_slots.empty(); }
  /// @returns whether there is such a member and it is not null.
  [[nodiscard]] bool has(std::string_view name) const;
  /// @returns the member's value as JSON; "null" when there is none.
  [[nodiscard]] std::string value(std::string_view name) const;
  /// Appends `"name":value` for each member but those in `skipped`, each after a comma if something
  /// precedes it.
  void print(std::string& out, std::initializer_list<std::string_view> skipped = {}) const;

 private:
  enum class Form : std::uint8_t { raw, text, list };
  struct Slot {
    std::string name;
    Form form = Form::raw;
    /// Raw JSON, the unescaped string, or the array's elements with commas between.
    std::string value;
  };
  static std::string print_slot(const Slot& slot);
  [[nodiscard]] const Slot* find(std::string_view name) const;
  Slot& slot(std::string_view name);

  std::vector<Slot> x_slots;
};

/// Takes the `data` of each event of one stream in order.
class StreamAssembler {
 public:
  enum class Seen : std::uint8_t {
    chunk,
    /// The stream's good end: [DONE], or `chat.end` of LM Studio's native chat.
    done,
    /// An error object; see error_message().
    error,
    /// Not JSON, or no object; nothing of it was taken.
    garbage,
  };

  explicit StreamAssembler(TaskKind kind) : x_kind(kind) {}

  Seen add(std::string_view data);

  [[nodiscard]] bool done() const { return x_done; }
  /// Some event was garbage: the assembled body lacks it.
  [[nodiscard]] bool garbled() const { return x_garbled; }
  /// Of the last error event.
  [[nodiscard]] const std::string& error_message() const { return x_error_message; }

  /// @returns the body of what came so far, as a plain call would have been answered.
  [[nodiscard]] std::string assemble() const;

 private:
  struct ToolCall {
    std::string index;
    MergedMembers members;
    MergedMembers function;
  };
  struct Choice {
    std::string index;
    MergedMembers members;
    MergedMembers message;
    MergedMembers function_call;
    MergedMembers logprobs;
    std::vector<ToolCall> tool_calls;
  };

  Seen add_native(std::string_view data);
  void add_choice(std::string_view raw);
  static void add_delta(Choice& choice, std::string_view raw);
  static void add_tool_call(Choice& choice, std::string_view raw);
  void print_choice(std::string& out, const Choice& choice) const;
  static void print_message(std::string& out, const Choice& choice);

  TaskKind x_kind;
  bool x_done = false;
  bool x_garbled = false;
  std::string x_error_message;
  MergedMembers x_members;
  /// In order of first appearance; printed by index.
  std::vector<Choice> x_choices;
  /// LM Studio's own aggregate.
  std::string x_native_result;
};

/// @returns the backend's words in an error body of any of the usual shapes ({"error":{"message"}},
/// {"error":"…"},
/// {"message"}, {"detail"}), at most 1000 bytes; empty when there are none.
std::string error_message_of(std::string_view body);

/// @returns server-sent events, [DONE] included, that say what the finished `body` says: for a
/// repeated streaming call whose answer is stored. A body that is no completion comes as one event.
std::string synthesize_events(std::string_view body, TaskKind kind);

}  // namespace signalbox::http
