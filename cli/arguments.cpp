#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <sstream>
#include <utility>

#include "config/words.hpp"
#include "core/task.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* default_url = "http://127.0.0.1:8642";

constexpr const char* introduction =
    R"(Signalbox: a durable, prioritised queue in front of your LLM servers.

Examples:
  signalbox serve                                  start the daemon on 127.0.0.1:8642
  signalbox chat-llm echo -m "hello there"         ask a model, tokens as they come
  signalbox get tasks                              what waits, runs and ran
  signalbox get tasks --status pending -o json     the same for scripts
  signalbox config check my.yaml                   what is wrong with a configuration
)";

constexpr const char* more_help = R"(
Commands: serve, get, chat-llm, config check. More: signalbox --help, signalbox COMMAND --help
)";

constexpr const char* exit_codes = R"(Exit codes:
  0 ok   1 failure   2 usage, or a configuration with errors   3 cancelled, or timed out waiting
  4 key missing, wrong or without the grant   5 daemon unreachable   6 rejected: queue full
  7 the task ended as failed   130 Ctrl-C)";

/// All that CLI11 fills while it parses.
struct Parsed {
  bool version = false;
  Connection connection;
  ServeOptions serve;
  GetOptions get;
  std::string resource;
  std::string output = "table";
  bool json = false;
  bool no_headers = false;
  std::vector<std::string> statuses;
  std::map<std::string, std::string> filters;
  ChatOptions chat;
  std::string priority;
  bool no_stream = false;
  ConfigCheckOptions check;
};

void add_connection(CLI::App& command, Parsed& parsed) {
  command.add_option("--url", parsed.connection.url,
                     std::string{"The daemon (SIGNALBOX_URL; default "} + default_url + ")");
  command.add_option("--key-file", parsed.connection.key_file,
                     "File with the key on its first line (else SIGNALBOX_API_KEY)");
}

CLI::App* add_serve(CLI::App& app, Parsed& parsed) {
  CLI::App* serve = app.add_subcommand("serve", "Start the daemon");
  ServeOptions& options = parsed.serve;
  serve->add_option("--config,-c", options.config, "Configuration file (SIGNALBOX_CONFIG)");
  serve->add_option("--bind", options.flags.bind, "Address to listen on (default 127.0.0.1)");
  serve->add_option("--port", options.flags.port, "Port, 0 = any (default 8642)");
  serve->add_option("--store", options.flags.store, "Folder of the store");
  serve->add_option("--commit", options.flags.commit, "sync or relaxed");
  serve->add_flag("--quiet,-q", options.quiet, "Print errors only");
  return serve;
}

CLI::App* add_get(CLI::App& app, Parsed& parsed) {
  CLI::App* get = app.add_subcommand("get", "Show tasks, llms or profiles");
  get->add_option("RESOURCE", parsed.resource, "tasks, llms or profiles")->required();
  get->add_option("NAME", parsed.get.name, "One of them: a task's id, an LLM's or profile's name");
  get->add_option("--output,-o", parsed.output, "table, wide, json, jsonl or name")
      ->check(CLI::IsMember({"table", "wide", "json", "jsonl", "name"}));
  get->add_flag("--json", parsed.json, "Same as -o json");
  get->add_flag("--no-headers", parsed.no_headers, "Tables without the header line");
  get->add_option("--status", parsed.statuses, "Tasks with this status; may be repeated")
      ->allow_extra_args(false);
  for (const char* filter : {"pool", "llm", "agent", "priority", "owner"}) {
    get->add_option(std::string{"--"} + filter, parsed.filters[filter],
                    std::string{"Tasks with this "} + filter);
  }
  get->add_option("--limit", parsed.get.limit, "Tasks at most (default 50)")
      ->check(CLI::Range(1U, 100'000U));
  add_connection(*get, parsed);
  return get;
}

CLI::App* add_chat(CLI::App& app, Parsed& parsed) {
  CLI::App* chat = app.add_subcommand("chat-llm", "Ask a model and print the answer as it comes");
  ChatOptions& options = parsed.chat;
  chat->add_option("NAME", options.model, "LLM, pool or model (see: signalbox get llms)")
      ->required();
  chat->add_option("--message,-m", options.message, "What to ask; - reads it from stdin")
      ->required();
  chat->add_option("--system", options.system, "System prompt");
  chat->add_option("--max-tokens", options.max_tokens, "Longest answer")
      ->check(CLI::Range(1U, 100'000'000U));
  chat->add_option("--priority", parsed.priority, "interactive, workflow or background");
  chat->add_flag("--no-stream", parsed.no_stream, "Print the answer when it is whole");
  chat->add_flag("--json", options.json, "Print the answer's body (implies --no-stream)");
  add_connection(*chat, parsed);
  return chat;
}

CLI::App* add_config_check(CLI::App& app, Parsed& parsed) {
  CLI::App* config =
      app.add_subcommand("config", "config check: say what is wrong with a configuration");
  config->require_subcommand(1);
  CLI::App* check = config->add_subcommand("check", "Say what is wrong with a configuration");
  check->add_option("FILE", parsed.check.file, "Configuration file (SIGNALBOX_CONFIG)");
  return check;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const auto nearest = config::find_nearest(word, known);
  return nearest ? "; did you mean " + *nearest + "?" : "";
}

Connection settle_connection(Connection connection, const config::Lookup& lookup) {
  if (connection.url.empty()) connection.url = lookup("SIGNALBOX_URL").value_or("");
  if (connection.url.empty()) connection.url = default_url;
  connection.key = lookup("SIGNALBOX_API_KEY").value_or("");
  return connection;
}

OutputFormat to_format(const std::string& word) {
  if (word == "wide") return OutputFormat::wide;
  if (word == "json") return OutputFormat::json;
  if (word == "jsonl") return OutputFormat::jsonl;
  if (word == "name") return OutputFormat::name;
  return OutputFormat::table;
}

Command make_get(Parsed& parsed, bool has_limit) {
  GetOptions options = std::move(parsed.get);
  options.connection = std::move(parsed.connection);
  options.resource = find_resource(parsed.resource);
  if (options.resource == nullptr) {
    return UsageError{"no resource " + config::quote(parsed.resource) +
                      "; there are tasks, llms and profiles" +
                      suggestion(parsed.resource, resource_names())};
  }
  if (parsed.json && parsed.output != "table" && parsed.output != "json") {
    return UsageError{"--json and -o " + parsed.output + " exclude each other"};
  }
  options.format = parsed.json ? OutputFormat::json : to_format(parsed.output);
  options.headers = !parsed.no_headers;
  for (const std::string& status : parsed.statuses) {
    if (!parse_task_state(status)) {
      return UsageError{"no status " + config::quote(status) +
                        "; there are pending, claimed, running, completed, error and cancelled"};
    }
    options.filters.emplace_back("status", status);
  }
  for (const auto& [name, value] : parsed.filters) {
    if (!value.empty()) options.filters.emplace_back(name, value);
  }
  const bool is_filtered = !options.filters.empty() || has_limit;
  if (is_filtered && (!options.resource->has_pages || options.name)) {
    return UsageError{
        "--status, --pool, --llm, --agent, --priority, --owner and --limit are for "
        "`get tasks`"};
  }
  return options;
}

Command make_chat(Parsed& parsed) {
  ChatOptions options = std::move(parsed.chat);
  options.connection = std::move(parsed.connection);
  options.stream = !parsed.no_stream && !options.json;
  if (parsed.priority.empty()) return options;
  options.priority = parse_priority(parsed.priority);
  if (options.priority) return options;
  return UsageError{"no priority " + config::quote(parsed.priority) +
                    "; there are interactive, workflow and background" +
                    suggestion(parsed.priority, config::priority_words())};
}

/// CLI11 names what it did not expect; the near miss is ours.
std::string describe_extra(CLI::App& app) {
  CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  const auto extras = app.remaining(true);
  if (extras.empty()) return "unexpected argument";
  std::vector<std::string> known;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::string extra = extras.front();
  const bool is_option = extra.starts_with('-');
  return std::string{is_option ? "unknown option " : "unexpected argument "} +
         config::quote(extra) + (is_option ? suggestion(extra, known) : "");
}

std::optional<std::string> find_unknown_command(const std::vector<std::string>& arguments) {
  const std::vector<std::string> known{"serve", "get", "chat-llm", "config"};
  const std::string& word = arguments.front();
  const bool is_known = std::find(known.begin(), known.end(), word) != known.end();
  if (is_known || word.starts_with('-')) return std::nullopt;
  return "no command " + config::quote(word) + suggestion(word, known) + " (see: signalbox --help)";
}

/// @returns nothing when parsing succeeded.
std::optional<Command> run_parser(CLI::App& app, std::vector<std::string> arguments) {
  // CLI11 takes them from the back.
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ExtrasError&) {
    return UsageError{describe_extra(app)};
  } catch (const CLI::Success& success) {
    std::ostringstream text;
    app.exit(success, text, text);
    return PrintText{text.str()};
  } catch (const CLI::ParseError& error) {
    return UsageError{error.what()};
  }
  return std::nullopt;
}

}  // namespace

Command parse_arguments(const std::vector<std::string>& arguments, const config::Lookup& lookup) {
  if (arguments.empty()) return PrintText{std::string{introduction} + more_help};
  if (auto problem = find_unknown_command(arguments)) return UsageError{std::move(*problem)};
  Parsed parsed;
  CLI::App app{introduction, "signalbox"};
  app.footer(exit_codes);
  app.require_subcommand(0, 1);
  app.add_flag("--version", parsed.version, "Print the version");
  const CLI::App* serve = add_serve(app, parsed);
  CLI::App* get = add_get(app, parsed);
  const CLI::App* chat = add_chat(app, parsed);
  const CLI::App* check = add_config_check(app, parsed);
  if (auto ended = run_parser(app, arguments)) return std::move(*ended);
  if (parsed.version) return PrintText{"signalbox " SIGNALBOX_VERSION "\n"};
  parsed.connection = settle_connection(std::move(parsed.connection), lookup);
  if (serve->parsed()) return std::move(parsed.serve);
  if (get->parsed()) return make_get(parsed, get->count("--limit") > 0);
  if (chat->parsed()) return make_chat(parsed);
  if (check->parsed()) return std::move(parsed.check);
  return PrintText{std::string{introduction} + more_help};
}

}  // namespace signalbox::cli
