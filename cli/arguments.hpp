// The command line as data. Nothing is done here; main.cpp runs what comes out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/client/connection.hpp"
#include "cli/command_table.hpp"
#include "cli/serve/serve.hpp"
#include "cli/show/resources.hpp"
#include "cli/show/top.hpp"
#include "cli/sim/sim_arguments.hpp"
#include "cli/slot/slot_arguments.hpp"
#include "cli/worker/worker_arguments.hpp"
#include "core/base/priority.hpp"

namespace signalbox::cli {

enum class OutputFormat : std::uint8_t { table, wide, json, jsonl, name };

struct GetOptions {
  Connection connection;
  /// One of all_resources(); never null.
  const Resource* resource = nullptr;
  /// Unset = the list.
  std::optional<std::string> name;
  OutputFormat format = OutputFormat::table;
  bool headers = true;
  /// Query parameters of a list, in order; `status` may be there several times.
  std::vector<std::pair<std::string, std::string>> filters;
  /// `--since 15m`: a filter that is a time only once the clock is asked.
  std::optional<std::chrono::milliseconds> since_ago;
  /// Rows at most, of lists in pages. Range: 1..100000.
  std::uint32_t limit = 50;
  /// Go on showing what changes.
  bool watch = false;
  /// Between two looks. Range: 100 ms..1 h.
  std::chrono::milliseconds interval{1000};
};

struct DescribeOptions {
  Connection connection;
  /// One of all_resources(); never null.
  const Resource* resource = nullptr;
  std::string name;
  /// Bodies whole, not shortened.
  bool full = false;
};

struct CancelOptions {
  Connection connection;
  /// At least one.
  std::vector<std::string> ids;
};

enum class ChatTarget : std::uint8_t {
  /// An LLM, a pool or a model.
  llm,
  agent,
};

struct ChatOptions {
  Connection connection;
  ChatTarget target = ChatTarget::llm;
  std::string name;
  /// "-" = read it from stdin; unset = a conversation.
  std::optional<std::string> message;
  std::string system;
  std::optional<std::uint32_t> max_tokens;
  std::optional<Priority> priority;
  bool stream = true;
  /// The answer's body as it comes.
  bool json = false;
  /// Put it in the queue and print its id. With a message only.
  bool async = false;
};

struct ConfigCheckOptions {
  std::optional<std::string> file;
};

struct CompletionOptions {
  Shell shell = Shell::bash;
};

struct NewKeyOptions {
  std::string owner;
  /// Empty = made from the owner's name and the key.
  std::string id;
  std::vector<std::string> grants;
  std::optional<Priority> default_priority;
  std::optional<Priority> max_priority;
};

/// Help or version, for stdout.
struct PrintText {
  std::string text;
};

struct UsageError {
  std::string message;
};

using Command =
    std::variant<PrintText, UsageError, ServeOptions, GetOptions, DescribeOptions, CancelOptions,
                 ChatOptions, ConfigCheckOptions, CompletionOptions, NewKeyOptions, WorkerOptions,
                 SlotRequest, TopOptions, SimOptions, CompareOptions, ReplayOptions, FuzzOptions,
                 ShrinkOptions, ExperimentOptions, ListExperiments>;

/// @param arguments without the program's name. @param lookup the environment.
Command parse_arguments(const std::vector<std::string>& arguments, const config::Lookup& lookup);

}  // namespace signalbox::cli
