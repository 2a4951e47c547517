#include "cli/serve/serve.hpp"

#include <fmt/core.h>

#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "cli/client/failure.hpp"
#include "cli/serve/crash_hook.hpp"
#include "cli/serve/daemon.hpp"
#include "cli/serve/plugin_library.hpp"
#include "config/assemble.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

/// How long calls may go on after SIGTERM; a second signal ends them at once.
constexpr std::chrono::seconds drain_grace{10};
constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

config::LoadResult load_settings(const ServeOptions& options) {
  return config::assemble({options.config, options.flags, config::environment_lookup});
}

std::string joined(const std::vector<config::Violation>& violations) {
  std::string text;
  for (const auto& violation : violations) {
    if (!text.empty()) text += '\n';
    text += config::to_string(violation);
  }
  return text;
}

/// @param bind an address or name. @param has_keys callers must show one.
void print_welcome(const std::string& bind, std::uint16_t port,
                   const std::vector<std::string>& models, bool has_keys) {
  const bool is_ipv6 = bind.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? "[" + bind + "]" : bind;
  const std::string url = fmt::format("http://{}:{}", host, port);
  const std::string model = models.empty() ? "echo" : models.front();
  std::string names;
  for (const auto& name : models) names += (names.empty() ? "" : ", ") + name;
  fmt::print("signalbox {} on {}\nmodels: {}\n\n", SIGNALBOX_VERSION, url,
             names.empty() ? "none yet" : names);
  const std::string header =
      has_keys ? " \\\n    -H \"Authorization: Bearer $SIGNALBOX_API_KEY\"" : "";
  fmt::print(
      "  curl {}/v1/chat/completions -H 'Content-Type: application/json'{} \\\n"
      "    -d '{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hello "
      "there\"}}]}}'\n\n",
      url, header, model);
  fmt::print("  new OpenAI({{ baseURL: '{}/v1', apiKey: {} }})\n\n", url,
             has_keys ? "process.env.SIGNALBOX_API_KEY" : "'none'");
  std::fflush(stdout);
}

void print_log(const std::string& line) {
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  fmt::print(stderr, "{} {}\n", http::format_time(now), to_printable(line));
}

sigset_t daemon_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

/// The usual soft limit of 1,024 open files is less than the connections that are allowed.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Calls end in good order, or at once on a second signal.
void drain(Daemon& daemon, const sigset_t& signals) {
  std::thread{[signals] {
    int signal = 0;
    do sigwait(&signals, &signal);
    while (signal == SIGHUP);
    std::_Exit(exit_failure);
  }}.detach();
  daemon.stop(drain_grace);
}

/// @returns `code`, or ends the process with it: where a plugin's code still runs and may use
/// anything, nothing is taken down under it. @pre the daemon was stopped.
int leave(const Daemon& daemon, int code) {
  if (!daemon.has_left_behind()) return code;
  std::fflush(nullptr);
  std::_Exit(code);
}

}  // namespace

int run_serve(const ServeOptions& options) {
  install_crash_hook();
  config::LoadResult loaded = load_settings(options);
  if (!loaded.violations.empty()) {
    fmt::print(stderr, "{}\n", joined(loaded.violations));
    return exit_usage;
  }
  raise_file_limit();
  // Blocked before the first thread, so that sigwait() below is the only one to get them.
  const sigset_t signals = daemon_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // Threads that a plugin makes have them blocked too.
  const auto file = config::find_config_file(options.config, config::environment_lookup);
  LoadedPlugins plugins =
      load_plugins(loaded.settings.plugins, loaded.places, file.value_or("defaults"));
  if (!plugins.violations.empty()) {
    fmt::print(stderr, "{}\n", joined(plugins.violations));
    return exit_usage;
  }
  const std::string bind = loaded.settings.http.bind;
  const auto reload = [&options]() -> Result<config::Settings> {
    config::LoadResult again = load_settings(options);
    if (again.violations.empty()) return std::move(again.settings);
    return make_error(ErrorCode::invalid_request, joined(again.violations));
  };
  const bool has_keys = loaded.settings.auth.mode == config::AuthMode::keys;
  Daemon daemon{std::move(loaded.settings), std::move(plugins.plugins), reload,
                options.quiet ? Daemon::Log{} : Daemon::Log{print_log}};
  const auto port = daemon.start();
  if (port.has_error()) {
    fmt::print(stderr, "signalbox: {}\n", port.error().message);
    daemon.stop(std::chrono::milliseconds{0});
    return leave(daemon, exit_failure);
  }
  if (!options.quiet) print_welcome(bind, *port, daemon.model_names(), has_keys);
  while (true) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    if (const auto error = daemon.reload()) {
      fmt::print(stderr, "signalbox: not reloaded, the old settings hold:\n{}\n", error->message);
    } else {
      fmt::print(stderr, "signalbox: reloaded\n");
    }
  }
  if (!options.quiet) fmt::print(stderr, "signalbox: finishing calls, then stopping\n");
  drain(daemon, signals);
  return leave(daemon, 0);
}

}  // namespace signalbox::cli
