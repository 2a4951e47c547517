// The commands and their flags as CLI11 takes them: the one table that parsing, help and
// completions come from.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "cli/arguments.hpp"

namespace signalbox::cli {

inline constexpr const char* default_url = "http://127.0.0.1:8642";

/// All that CLI11 fills while it parses.
struct Parsed {
  bool version = false;
  Connection connection;
  ServeOptions serve;
  /// RESOURCE of get, describe and cancel.
  std::string resource;
  GetOptions get;
  std::string output = "table";
  bool json = false;
  bool no_headers = false;
  double interval_s = 1;
  std::vector<std::string> statuses;
  std::map<std::string, std::string> filters;
  std::string since;
  DescribeOptions describe;
  CancelOptions cancel;
  ChatOptions chat;
  std::string priority;
  bool no_stream = false;
  ConfigCheckOptions check;
  std::string shell;
  NewKeyOptions new_key;
  std::string default_priority;
  std::string max_priority;
  WorkerArguments worker;
  SlotArguments slot;
  TopOptions top;
  SimArguments sim;
};

/// Pinned: the parser points into `parsed`.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// @returns the command that was given, innermost, or the program itself.
  [[nodiscard]] const CLI::App& command() const;

  [[nodiscard]] std::vector<std::string> command_names() const;

  CLI::App app;
  Parsed parsed;
  /// What the values of an option may be, for completions.
  std::map<const CLI::Option*, ValueRow> values;

 private:
  void add_connection(CLI::App& command);
  void add_serve();
  void add_get();
  void add_get_filters(CLI::App& get);
  void add_describe();
  void add_cancel();
  void add_chat_llm();
  void add_chat_agent();
  void add_chat_flags(CLI::App& chat);
  void add_config();
  void add_completion();
  void add_keys();
  void add_top();
};

/// @returns the words for `--shell`-like arguments, in the order of Shell.
const std::vector<std::string>& shell_words();

}  // namespace signalbox::cli
