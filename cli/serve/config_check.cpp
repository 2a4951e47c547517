#include "cli/serve/config_check.hpp"

#include <cstdio>

#include "cli/client/failure.hpp"
#include "cli/client/output.hpp"
#include "cli/serve/plugin_library.hpp"
#include "config/advise.hpp"
#include "config/assemble.hpp"
#include "config/words.hpp"

namespace signalbox::cli {
namespace {

std::string count(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

void report(const std::vector<config::Violation>& violations, const char* prefix = "") {
  for (const config::Violation& violation : violations) {
    const std::string line = to_printable(config::to_string(violation));
    std::fprintf(stderr, "%s%s\n", prefix, line.c_str());
  }
}

}  // namespace

std::string summarize(const config::Settings& settings) {
  const std::string upstreams = settings.upstreams ? count(settings.upstreams->size(), "upstream")
                                                   : "upstreams on well-known ports";
  const bool is_ipv6 = settings.http.bind.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? "[" + settings.http.bind + "]" : settings.http.bind;
  return "listens on " + host + ":" + std::to_string(settings.http.port) + ", " + upstreams + ", " +
         count(settings.profiles.size(), "profile") + ", " +
         count(settings.agents.size(), "agent") +
         (settings.plugins.empty() ? "" : ", " + count(settings.plugins.size(), "plugin")) +
         ", auth " + std::string{config::to_string(settings.auth.mode)} +
         (settings.auth.keys.empty() ? "" : " (" + count(settings.auth.keys.size(), "key") + ")") +
         ", store " + settings.store.path + " (" +
         std::string{config::to_string(settings.store.commit)} + ")";
}

int run_config_check(const ConfigCheckOptions& options) {
  const config::Sources sources{options.file, {}, config::environment_lookup};
  const auto result = config::assemble(sources);
  report(result.violations);
  if (!result.violations.empty()) return to_int(ExitCode::usage);
  const auto file = config::find_config_file(options.file, config::environment_lookup);
  report(config::advise(result.settings, result.places, file.value_or("defaults")), "warning: ");
  const auto plugins =
      load_plugins(result.settings.plugins, result.places, file.value_or("defaults"));
  report(plugins.violations);
  if (!plugins.violations.empty()) return to_int(ExitCode::usage);
  print_out("ok: " + file.value_or("defaults, no file given") + ": " + summarize(result.settings) +
            "\n");
  return to_int(ExitCode::ok);
}

}  // namespace signalbox::cli
