#include "cli/command_line.hpp"

#include "config/words.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* introduction =
    R"(Signalbox: a durable, prioritised queue in front of your LLM servers.

Examples:
  signalbox serve                                  start the daemon on 127.0.0.1:8642
  signalbox chat-llm echo -m "hello there"         ask a model, tokens as they come
  signalbox chat-llm echo -m hi --async            put it in the queue, print the task's id
  signalbox get tasks                              what waits, runs and ran
  signalbox get tasks --status pending -o json     the same for scripts
  signalbox get calls --since 15m                  how long each call waited and ran
  signalbox get task ID --watch                    follow one to its end
  signalbox top                                    who runs and who waits, live
  signalbox slot --profile gpu -- ./train.sh       run a command while holding a slot
  signalbox sim night.yaml --slots 3               what if: simulate traffic and its waits
  signalbox config check my.yaml                   what is wrong with a configuration
  signalbox worker --upstream URL --llm NAME       bind an LLM server here to a daemon elsewhere
)";

constexpr const char* exit_codes = R"(Exit codes:
  0 ok   1 failure   2 usage, or a configuration with errors   3 cancelled, or timed out waiting
  4 key missing, wrong or without the grant   5 daemon unreachable   6 rejected: queue full
  7 the task ended as failed   130 Ctrl-C   124, 126, 127 see: signalbox slot --help)";

constexpr double interval_s_min = 0.1;
constexpr double interval_s_max = 3600;

}  // namespace

const std::vector<std::string>& shell_words() {
  static const std::vector<std::string> words{"bash", "zsh", "fish"};
  return words;
}

CommandLine::CommandLine() : app{introduction, "signalbox"} {
  app.footer(exit_codes);
  app.require_subcommand(0, 1);
  app.add_flag("--version", parsed.version, "Print the version");
  // Before the command as well as behind it.
  add_connection(app);
  add_serve();
  add_get();
  add_describe();
  add_cancel();
  add_chat_llm();
  add_chat_agent();
  add_config();
  add_keys();
  add_worker(app, parsed.worker, values);
  add_connection(*add_slot(app, parsed.slot, values));
  add_top();
  add_sim(app, parsed.sim, values);
  add_completion();
}

const CLI::App& CommandLine::command() const {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

std::vector<std::string> CommandLine::command_names() const {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

void CommandLine::add_connection(CLI::App& command) {
  command.add_option("--url", parsed.connection.url,
                     std::string{"The daemon (SIGNALBOX_URL; default "} + default_url + ")");
  const CLI::Option* file =
      command.add_option("--key-file", parsed.connection.key_file,
                         "File with the key on its first line (else SIGNALBOX_API_KEY)");
  values[file] = {true, {}};
}

void CommandLine::add_serve() {
  CLI::App* serve = app.add_subcommand("serve", "Start the daemon");
  ServeOptions& options = parsed.serve;
  const CLI::Option* config =
      serve->add_option("--config,-c", options.config, "Configuration file (SIGNALBOX_CONFIG)");
  values[config] = {true, {}};
  serve->add_option("--bind", options.flags.bind, "Address to listen on (default 127.0.0.1)");
  serve->add_option("--port", options.flags.port, "Port, 0 = any (default 8642)");
  const CLI::Option* store =
      serve->add_option("--store", options.flags.store, "Folder of the store");
  values[store] = {true, {}};
  const CLI::Option* commit =
      serve->add_option("--commit", options.flags.commit, "sync or relaxed");
  values[commit] = {false, config::commit_mode_words()};
  serve->add_flag("--quiet,-q", options.quiet, "Print errors only");
}

void CommandLine::add_get() {
  CLI::App* get = app.add_subcommand("get", "Show " + join_resources());
  const CLI::Option* resource =
      get->add_option("RESOURCE", parsed.resource, join_resources())->required();
  values[resource] = {false, resource_names()};
  get->add_option("NAME", parsed.get.name,
                  "One of them: a task's id, a worker's session, another's name");
  const std::vector<std::string> formats{"table", "wide", "json", "jsonl", "name"};
  const CLI::Option* output =
      get->add_option("--output,-o", parsed.output, "table, wide, json, jsonl or name")
          ->check(CLI::IsMember(formats));
  values[output] = {false, formats};
  get->add_flag("--json", parsed.json, "Same as -o json");
  get->add_flag("--no-headers", parsed.no_headers, "Tables without the header line");
  get->add_flag("--watch,-w", parsed.get.watch, "Go on showing what changes, until Ctrl-C");
  get->add_option("--interval", parsed.interval_s, "Seconds between two looks (default 1)")
      ->check(CLI::Range(interval_s_min, interval_s_max));
  add_get_filters(*get);
  add_connection(*get);
}

void CommandLine::add_get_filters(CLI::App& get) {
  const CLI::Option* status = get.add_option("--status", parsed.statuses,
                                             "Tasks or calls with this status; of tasks several")
                                  ->allow_extra_args(false);
  values[status] = {false, all_statuses()};
  for (const char* filter : {"pool", "llm", "agent", "priority", "owner"}) {
    const CLI::Option* option = get.add_option(std::string{"--"} + filter, parsed.filters[filter],
                                               std::string{"Tasks with this "} + filter);
    if (filter == std::string_view{"priority"}) values[option] = {false, config::priority_words()};
  }
  get.add_option("--profile", parsed.filters["profile"], "Calls of this profile");
  get.add_option("--since", parsed.since, "Calls since a time, or since so long: 90s, 15m, 2h, 7d");
  get.add_option("--limit", parsed.get.limit, "Tasks or calls at most (default 50)")
      ->check(CLI::Range(1U, 100'000U));
}

void CommandLine::add_describe() {
  CLI::App* describe = app.add_subcommand("describe", "Show all there is to know about one");
  const CLI::Option* resource =
      describe->add_option("RESOURCE", parsed.resource, join_resources())->required();
  values[resource] = {false, resource_names()};
  describe
      ->add_option("NAME", parsed.describe.name,
                   "Which: a task's id, a worker's session, another's name")
      ->required();
  describe->add_flag("--full", parsed.describe.full, "Request and response whole");
  add_connection(*describe);
}

void CommandLine::add_cancel() {
  CLI::App* cancel = app.add_subcommand("cancel", "Cancel tasks");
  const CLI::Option* resource = cancel->add_option("RESOURCE", parsed.resource, "task")->required();
  values[resource] = {false, find_resource("tasks")->names};
  cancel->add_option("ID", parsed.cancel.ids, "Their ids")->required();
  add_connection(*cancel);
}

void CommandLine::add_chat_llm() {
  CLI::App* chat = app.add_subcommand("chat-llm", "Ask a model and print the answer as it comes");
  chat->add_option("NAME", parsed.chat.name, "LLM, pool or model (see: signalbox get llms)")
      ->required();
  chat->add_option("--system", parsed.chat.system, "System prompt");
  add_chat_flags(*chat);
}

void CommandLine::add_chat_agent() {
  CLI::App* chat = app.add_subcommand("chat", "Ask an agent and print the answer as it comes");
  chat->add_option("AGENT", parsed.chat.name, "Its name (see: signalbox get agents)")->required();
  add_chat_flags(*chat);
}

void CommandLine::add_chat_flags(CLI::App& chat) {
  ChatOptions& options = parsed.chat;
  chat.add_option("--message,-m", options.message,
                  "What to ask; - reads it from stdin; without it a conversation, line by line");
  chat.add_option("--max-tokens", options.max_tokens, "Longest answer")
      ->check(CLI::Range(1U, 100'000'000U));
  const CLI::Option* priority =
      chat.add_option("--priority", parsed.priority, "interactive, workflow or background");
  values[priority] = {false, config::priority_words()};
  chat.add_flag("--no-stream", parsed.no_stream, "Print the answer when it is whole");
  chat.add_flag("--json", options.json, "Print the answer's body (implies --no-stream)");
  chat.add_flag("--async", options.async, "Put it in the queue and print just the task's id");
  add_connection(chat);
}

void CommandLine::add_config() {
  CLI::App* config =
      app.add_subcommand("config", "config check: say what is wrong with a configuration");
  config->require_subcommand(1);
  CLI::App* check = config->add_subcommand("check", "Say what is wrong with a configuration");
  const CLI::Option* file =
      check->add_option("FILE", parsed.check.file, "Configuration file (SIGNALBOX_CONFIG)");
  values[file] = {true, {}};
}

void CommandLine::add_keys() {
  CLI::App* keys = app.add_subcommand("keys", "keys new: make a key for a caller");
  keys->require_subcommand(1);
  CLI::App* make = keys->add_subcommand("new", "Make a key and its line for the configuration");
  NewKeyOptions& options = parsed.new_key;
  make->add_option("--owner", options.owner, "Whose tasks its calls are")->required();
  make->add_option("--id", options.id, "What the configuration calls it (default: made up)");
  const CLI::Option* grant =
      make->add_option("--grant", options.grants, "Like tasks:view; may be repeated")
          ->allow_extra_args(false);
  values[grant] = {false, config::all_grants()};
  const CLI::Option* highest =
      make->add_option("--max-priority", parsed.max_priority, "Highest class it may ask for");
  const CLI::Option* usual =
      make->add_option("--default-priority", parsed.default_priority, "Class when none is asked");
  for (const CLI::Option* option : {highest, usual}) {
    values[option] = {false, config::priority_words()};
  }
}

void CommandLine::add_top() {
  CLI::App* top = app.add_subcommand("top", "Show what the daemon is doing, anew each second");
  top->add_flag("--once", parsed.top.once, "Print it once, as in a pipe");
  top->add_option("--interval", parsed.interval_s, "Seconds between two looks (default 1)")
      ->check(CLI::Range(interval_s_min, interval_s_max));
  add_connection(*top);
}

void CommandLine::add_completion() {
  CLI::App* completion = app.add_subcommand("completion", "Print a shell's completion script");
  const CLI::Option* shell = completion->add_option("SHELL", parsed.shell, "bash, zsh or fish")
                                 ->required()
                                 ->check(CLI::IsMember(shell_words()));
  values[shell] = {false, shell_words()};
}

}  // namespace signalbox::cli
