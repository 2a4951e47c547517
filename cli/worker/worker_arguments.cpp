#include "cli/worker/worker_arguments.hpp"

#include <CLI/CLI.hpp>

#include "cli/command_line.hpp"
#include "config/words.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* worker_footer = R"(
Binds a local OpenAI-compatible server to a broker elsewhere: the worker connects to the broker, so
it may sit behind a NAT. It stays over restarts of either; SIGTERM lets running tasks finish.

Examples:
  signalbox worker --broker http://box:8642 --upstream http://127.0.0.1:1234 --llm desk
  signalbox worker --upstream http://127.0.0.1:8080 --llm big --model qwen3-32b --pool qwen
    --hibernating --wake-command 'systemctl --user start llama-server'

More: docs/workers.md)";

std::optional<std::string> find_name_problem(const char* flag, const std::string& name) {
  if (config::is_name(name)) return std::nullopt;
  return std::string{flag} + ": " + config::quote(name) +
         " is no name; use 1-128 of A-Z a-z 0-9 . _ : / @ + -";
}

std::optional<std::string> find_problem(const WorkerOptions& options) {
  if (auto problem = find_name_problem("--llm", options.llm)) return problem;
  if (!options.pool.empty()) {
    if (auto problem = find_name_problem("--pool", options.pool)) return problem;
  }
  if (const auto problem = config::find_url_problem(options.upstream)) {
    return "--upstream " + config::quote(options.upstream) + ": " + *problem;
  }
  if (options.is_hibernating != !options.wake_command.empty()) {
    return "--hibernating and --wake-command go together";
  }
  if (options.is_hibernating && options.model.empty()) {
    return "--hibernating needs --model: a server that sleeps cannot be asked";
  }
  return std::nullopt;
}

}  // namespace

void add_worker(CLI::App& app, WorkerArguments& arguments,
                std::map<const CLI::Option*, ValueRow>& values) {
  CLI::App* worker = app.add_subcommand("worker", "Bind a local LLM server to a broker elsewhere");
  worker->footer(worker_footer);
  WorkerOptions& options = arguments.options;
  worker->add_option("--broker", options.broker,
                     std::string{"The broker (SIGNALBOX_URL; default "} + default_url + ")");
  worker->add_option("--upstream", options.upstream, "The local LLM server, http://HOST:PORT")
      ->required();
  worker->add_option("--llm", options.llm, "Name under which the broker offers it")->required();
  worker->add_option("--model", options.model, "The local server's model (default: its first)");
  const CLI::Option* type =
      worker->add_option("--type", arguments.type, "openai, lmstudio, llamacpp, ollama or vllm")
          ->check(CLI::IsMember(config::upstream_type_words()));
  values[type] = {false, config::upstream_type_words()};
  worker->add_option("--tier", options.tier, "Shown with the LLM");
  worker->add_option("--pool", options.pool, "LLMs of one pool share their work");
  worker->add_option("--capacity", options.capacity, "Tasks at once (default 1)")
      ->check(CLI::Range(1U, 1000U));
  worker->add_flag("--hibernating", options.is_hibernating, "Asleep until it is needed");
  worker->add_option("--wake-command", options.wake_command,
                     "Gets the local server up; run by /bin/sh");
  worker->add_option("--wake-timeout", options.wake_timeout_s, "Seconds for that (default 60)")
      ->check(CLI::Range(1U, 3600U));
  const CLI::Option* session =
      worker->add_option("--session-file", options.session_file,
                         "Keeps the session, so that a restarted worker is the same one");
  worker
      ->add_option("--grace", options.grace_s,
                   "Seconds that tasks may go on after SIGTERM (default 30)")
      ->check(CLI::Range(0U, 86'400U));
  const CLI::Option* key =
      worker->add_option("--key-file", options.key_file,
                         "File with the broker's key on its first line (else SIGNALBOX_API_KEY)");
  worker->add_option("--upstream-key-env", arguments.upstream_key_env,
                     "Variable that holds the local server's key");
  worker->add_flag("--forget", options.forgets,
                   "When leaving, take the LLM's name away (default: it stays known)");
  worker->add_flag("--quiet,-q", options.is_quiet, "Print errors only");
  for (const CLI::Option* file : {session, key}) values[file] = {true, {}};
}

std::optional<std::string> settle_worker(WorkerArguments& arguments, const Connection& connection,
                                         const config::Lookup& lookup) {
  WorkerOptions& options = arguments.options;
  if (options.broker.empty()) options.broker = connection.url;
  options.key = connection.key;
  if (const auto type = config::parse_upstream_type(arguments.type)) options.type = *type;
  if (!arguments.upstream_key_env.empty()) {
    const auto key = lookup(arguments.upstream_key_env);
    if (!key) return "--upstream-key-env: there is no variable " + arguments.upstream_key_env;
    options.upstream_key = *key;
  }
  return find_problem(options);
}

}  // namespace signalbox::cli
