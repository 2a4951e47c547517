#include "cli/arguments.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "cli/build_name.hpp"
#include "cli/command_line.hpp"
#include "cli/usage.hpp"
#include "config/words.hpp"
#include "core/base/read_number.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

void settle_connection(Connection& connection, const config::Lookup& lookup) {
  if (connection.url.empty()) connection.url = lookup("SIGNALBOX_URL").value_or("");
  if (connection.url.empty()) connection.url = default_url;
  connection.key = lookup("SIGNALBOX_API_KEY").value_or("");
}

OutputFormat to_format(const std::string& word) {
  if (word == "wide") return OutputFormat::wide;
  if (word == "json") return OutputFormat::json;
  if (word == "jsonl") return OutputFormat::jsonl;
  if (word == "name") return OutputFormat::name;
  return OutputFormat::table;
}

UsageError no_resource(const std::string& word) {
  return {"no resource " + config::quote(word) + "; there are " + join_resources() +
          suggestion(word, resource_names())};
}

/// @returns what is wrong with the statuses, or nothing.
std::optional<UsageError> read_statuses(const std::vector<std::string>& statuses,
                                        GetOptions& options) {
  const auto& known = options.resource->statuses;
  for (const std::string& status : statuses) {
    if (std::find(known.begin(), known.end(), status) == known.end()) {
      return UsageError{"no status " + config::quote(status) + "; there are " + join_words(known)};
    }
    options.filters.emplace_back("status", status);
  }
  if (statuses.size() > 1 && options.resource != find_resource("tasks")) {
    return UsageError{"--status may be there once with `get " + options.resource->names.front() +
                      "`"};
  }
  return std::nullopt;
}

/// @returns the span of "90s", "15m", "2h" or "7d", or nothing.
std::optional<std::chrono::milliseconds> parse_span(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint32_t count = 0;
  if (!read_number(text.substr(0, text.size() - 1), count)) return std::nullopt;
  switch (text.back()) {
    case 's':
      return std::chrono::seconds{count};
    case 'm':
      return std::chrono::minutes{count};
    case 'h':
      return std::chrono::hours{count};
    case 'd':
      return std::chrono::days{count};
    default:
      return std::nullopt;
  }
}

std::optional<UsageError> read_since(const std::string& since, GetOptions& options) {
  options.since_ago = parse_span(since);
  if (options.since_ago) return std::nullopt;
  WallTime time;
  if (!http::parse_time(since, time)) {
    return UsageError{"--since " + config::quote(since) +
                      " is neither a span like 90s, 15m, 2h or 7d nor an RFC 3339 time"};
  }
  options.filters.emplace_back("since", since);
  return std::nullopt;
}

/// @returns what is wrong with the filters, or nothing.
std::optional<UsageError> read_filters(const Parsed& parsed, bool has_limit, GetOptions& options) {
  const Resource& resource = *options.resource;
  const auto misplaced = [&](const std::string& flag) {
    const std::string target = options.name ? "one of them" : resource.names.front();
    return UsageError{"--" + flag + " is not for `get " + target + "`"};
  };
  const auto is_for = [&](std::string_view flag) { return !options.name && resource.takes(flag); };
  if (has_limit && (!resource.has_pages() || options.name)) return misplaced("limit");
  if (!parsed.statuses.empty() && !is_for("status")) return misplaced("status");
  if (auto error = read_statuses(parsed.statuses, options)) return error;
  for (const auto& [name, value] : parsed.filters) {
    if (value.empty()) continue;
    if (!is_for(name)) return misplaced(name);
    options.filters.emplace_back(name, value);
  }
  if (parsed.since.empty()) return std::nullopt;
  if (!is_for("since")) return misplaced("since");
  return read_since(parsed.since, options);
}

std::chrono::milliseconds interval_of(const Parsed& parsed) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(parsed.interval_s * 1000)};
}

Command make_get(Parsed& parsed, const CLI::App& command) {
  GetOptions options = std::move(parsed.get);
  options.connection = std::move(parsed.connection);
  options.resource = find_resource(parsed.resource);
  if (options.resource == nullptr) return no_resource(parsed.resource);
  if (options.name && options.name->empty()) return UsageError{"NAME is empty"};
  if (parsed.json && parsed.output != "table" && parsed.output != "json") {
    return UsageError{"--json and -o " + parsed.output + " exclude each other"};
  }
  options.format = parsed.json ? OutputFormat::json : to_format(parsed.output);
  options.headers = !parsed.no_headers;
  if (auto error = read_filters(parsed, command.count("--limit") > 0, options)) return *error;
  if (command.count("--interval") > 0 && !options.watch) {
    return UsageError{"--interval is for --watch"};
  }
  options.interval = interval_of(parsed);
  return options;
}

Command make_describe(Parsed& parsed) {
  DescribeOptions options = std::move(parsed.describe);
  options.connection = std::move(parsed.connection);
  options.resource = find_resource(parsed.resource);
  if (options.resource == nullptr) return no_resource(parsed.resource);
  if (options.name.empty()) return UsageError{"NAME is empty"};
  return options;
}

Command make_cancel(Parsed& parsed) {
  CancelOptions options = std::move(parsed.cancel);
  options.connection = std::move(parsed.connection);
  const Resource* resource = find_resource(parsed.resource);
  if (resource != find_resource("tasks")) {
    const bool is_known = resource != nullptr;
    return UsageError{"only tasks can be cancelled, not " +
                      (is_known ? resource->names.front() : config::quote(parsed.resource)) +
                      " (signalbox cancel task ID...)"};
  }
  for (const std::string& id : options.ids) {
    if (id.empty()) return UsageError{"an ID is empty"};
  }
  return options;
}

/// @returns what is wrong with `word`, or nothing; an empty one asks for no priority.
std::optional<UsageError> read_priority(const std::string& word, std::optional<Priority>& target) {
  if (word.empty()) return std::nullopt;
  target = parse_priority(word);
  if (target) return std::nullopt;
  return UsageError{"no priority " + config::quote(word) +
                    "; there are interactive, workflow and background" +
                    suggestion(word, config::priority_words())};
}

Command make_chat(Parsed& parsed, ChatTarget target) {
  ChatOptions options = std::move(parsed.chat);
  options.target = target;
  options.connection = std::move(parsed.connection);
  options.stream = !parsed.no_stream && !options.json;
  if (options.name.empty()) return UsageError{"the name is empty"};
  if (options.async && !options.message) return UsageError{"--async needs a question: -m TEXT"};
  if (options.json && !options.message) return UsageError{"--json needs a question: -m TEXT"};
  if (options.async && options.json) {
    return UsageError{"--async and --json exclude each other; `signalbox get task ID --json`"};
  }
  if (auto error = read_priority(parsed.priority, options.priority)) return *error;
  return options;
}

Command make_new_key(Parsed& parsed) {
  NewKeyOptions options = std::move(parsed.new_key);
  const auto is_bad = [](const std::string& name) { return !config::is_name(name); };
  if (is_bad(options.owner)) {
    return UsageError{"--owner " + config::quote(options.owner) +
                      " is no name: 1-128 of letters, digits and ._:/@+-"};
  }
  if (!options.id.empty() && is_bad(options.id)) {
    return UsageError{"--id " + config::quote(options.id) +
                      " is no name: 1-128 of letters, digits and ._:/@+-"};
  }
  const auto& known = config::all_grants();
  for (const std::string& grant : options.grants) {
    if (std::find(known.begin(), known.end(), grant) != known.end()) continue;
    return UsageError{"no grant " + config::quote(grant) + suggestion(grant, known) +
                      " (a resource and view, create, edit or delete, like tasks:view)"};
  }
  if (auto error = read_priority(parsed.max_priority, options.max_priority)) return *error;
  if (auto error = read_priority(parsed.default_priority, options.default_priority)) return *error;
  return options;
}

Command make_worker(Parsed& parsed, const config::Lookup& lookup) {
  if (auto problem = settle_worker(parsed.worker, parsed.connection, lookup)) {
    return UsageError{std::move(*problem)};
  }
  return std::move(parsed.worker.options);
}

Command make_slot(Parsed& parsed) {
  SlotRequest& request = parsed.slot.request;
  request.connection = std::move(parsed.connection);
  if (auto problem = settle_slot(parsed.slot)) return UsageError{std::move(*problem)};
  if (auto error = read_priority(parsed.slot.priority, request.priority)) return *error;
  return std::move(request);
}

Command make_top(Parsed& parsed) {
  TopOptions options = std::move(parsed.top);
  options.connection = std::move(parsed.connection);
  options.interval = interval_of(parsed);
  return options;
}

Command make_sim(Parsed& parsed, const CLI::App& command, const config::Lookup& lookup) {
  const auto nearest = config::find_nearest(parsed.sim.run.file, names_of_subcommands(command));
  parsed.sim.run.meant = nearest.value_or("");
  if (auto problem = settle_sim(parsed.sim.run, lookup)) return UsageError{std::move(*problem)};
  return std::move(parsed.sim.run);
}

Command make_replay(Parsed& parsed) {
  if (auto problem = settle_replay(parsed.sim.replay)) return UsageError{std::move(*problem)};
  return std::move(parsed.sim.replay.options);
}

Command make_experiment(Parsed& parsed, const config::Lookup& lookup) {
  if (auto problem = settle_experiment(parsed.sim, lookup)) return UsageError{std::move(*problem)};
  return std::move(parsed.sim.experiment);
}

Command make_compare(Parsed& parsed, const config::Lookup& lookup) {
  if (auto problem = settle_compare(parsed.sim, lookup)) return UsageError{std::move(*problem)};
  return std::move(parsed.sim.compare);
}

Command make_fuzz(Parsed& parsed) {
  if (auto problem = settle_fuzz(parsed.sim)) return UsageError{std::move(*problem)};
  return parsed.sim.fuzz;
}

Command make_shrink(Parsed& parsed, const config::Lookup& lookup) {
  ShrinkOptions& options = parsed.sim.shrink;
  if (auto problem = settle_shrink(options, lookup)) return UsageError{std::move(*problem)};
  return std::move(options);
}

Command make_completion_options(const Parsed& parsed) {
  const auto& words = shell_words();
  const auto found = std::find(words.begin(), words.end(), parsed.shell);
  return CompletionOptions{static_cast<Shell>(found - words.begin())};
}

/// "help sim" is "sim --help".
std::vector<std::string> without_help_word(std::vector<std::string> arguments) {
  if (arguments.front() != "help") return arguments;
  arguments.erase(arguments.begin());
  arguments.emplace_back("--help");
  return arguments;
}

/// Flags may stand before the command.
bool is_slot(const CommandLine& line, const std::vector<std::string>& arguments) {
  const auto known = line.command_names();
  const auto command =
      std::find_first_of(arguments.begin(), arguments.end(), known.begin(), known.end());
  return command != arguments.end() && *command == "slot";
}

/// @returns nothing when parsing succeeded.
std::optional<Command> run_parser(CommandLine& line, std::vector<std::string> arguments) {
  // CLI11 takes them from the back.
  std::reverse(arguments.begin(), arguments.end());
  try {
    line.app.parse(std::move(arguments));
  } catch (const CLI::ExtrasError&) {
    return UsageError{describe_extra(line)};
  } catch (const CLI::Success& success) {
    std::ostringstream text;
    line.app.exit(success, text, text);
    return PrintText{text.str()};
  } catch (const CLI::ParseError& error) {
    return UsageError{describe_problem(line, error)};
  }
  return std::nullopt;
}

PrintText make_introduction(const CommandLine& line) {
  return {line.app.get_description() + "\nCommands: " + join_words(line.command_names()) +
          ".\nMore: signalbox --help, signalbox COMMAND --help\n"};
}

}  // namespace

Command parse_arguments(const std::vector<std::string>& arguments, const config::Lookup& lookup) {
  CommandLine line;
  if (arguments.empty()) return make_introduction(line);
  std::vector<std::string> ours = without_help_word(arguments);
  if (auto problem = find_unknown_command(line, ours.front())) {
    return UsageError{std::move(*problem)};
  }
  if (is_slot(line, ours)) line.parsed.slot.request.command = take_command(ours);
  if (auto ended = run_parser(line, std::move(ours))) return std::move(*ended);
  Parsed& parsed = line.parsed;
  if (parsed.version) return PrintText{"signalbox " + build_name() + "\n"};
  settle_connection(parsed.connection, lookup);
  const CLI::App& command = line.command();
  const std::string& name = command.get_name();
  if (name == "serve") return std::move(parsed.serve);
  if (name == "get") return make_get(parsed, command);
  if (name == "describe") return make_describe(parsed);
  if (name == "cancel") return make_cancel(parsed);
  if (name == "chat-llm") return make_chat(parsed, ChatTarget::llm);
  if (name == "chat") return make_chat(parsed, ChatTarget::agent);
  if (name == "check") return std::move(parsed.check);
  if (name == "new") return make_new_key(parsed);
  if (name == "worker") return make_worker(parsed, lookup);
  if (name == "slot") return make_slot(parsed);
  if (name == "top") return make_top(parsed);
  if (name == "replay") return make_replay(parsed);
  if (name == "experiment") return make_experiment(parsed, lookup);
  if (name == "experiments") return ListExperiments{};
  if (name == "compare") return make_compare(parsed, lookup);
  if (name == "fuzz") return make_fuzz(parsed);
  if (name == "shrink") return make_shrink(parsed, lookup);
  if (name == "sim") return make_sim(parsed, command, lookup);
  if (name == "completion") return make_completion_options(parsed);
  return make_introduction(line);
}

}  // namespace signalbox::cli
