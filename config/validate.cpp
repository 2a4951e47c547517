#include "config/validate.hpp"

#include <utility>

#include "config/words.hpp"

namespace signalbox::config {
namespace {

constexpr const char* echo_name = "echo";

class Report {
 public:
  Report(const Places& places, std::string fallback_file)
      : x_places{places}, x_fallback_file{std::move(fallback_file)} {}

  /// At the first of `paths` that was written, else at the first without a place.
  void add(const std::vector<std::string>& paths, const std::string& message) {
    for (const std::string& path : paths) {
      const auto found = x_places.find(path);
      if (found == x_places.end()) continue;
      const Place& place = found->second;
      violations.push_back({place.file, place.line, place.column, path, message});
      return;
    }
    violations.push_back({x_fallback_file, 0, 0, paths.front(), message});
  }

  std::vector<Violation> violations;

 private:
  const Places& x_places;
  std::string x_fallback_file;
};

void check_bind(const Settings& settings, Report& report) {
  const bool has_keys = settings.auth.mode == AuthMode::keys && !settings.auth.keys.empty();
  if (is_loopback(settings.http.bind) || has_keys) return;
  report.add({"http.bind"}, quote(settings.http.bind) +
                                " can be reached from other machines; that needs auth.mode: keys "
                                "with at least one key in auth.keys (or bind 127.0.0.1)");
}

void check_auth(const AuthSettings& auth, Report& report) {
  if (auth.mode != AuthMode::keys || !auth.keys.empty()) return;
  report.add({"auth.mode"}, "keys needs at least one key in auth.keys, or nobody could call");
}

void check_heartbeats(const WorkerSettings& workers, Report& report) {
  if (workers.heartbeat_timeout_s > workers.heartbeat_interval_s) return;
  report.add({"workers.heartbeat_timeout_s", "workers.heartbeat_interval_s"},
             "heartbeat_timeout_s (" + std::to_string(workers.heartbeat_timeout_s) +
                 ") must be above heartbeat_interval_s (" +
                 std::to_string(workers.heartbeat_interval_s) + ")");
}

void check_echo(const Settings& settings, Report& report) {
  if (!settings.echo.enabled || !settings.upstreams) return;
  for (std::size_t index = 0; index < settings.upstreams->size(); ++index) {
    if ((*settings.upstreams)[index].name != echo_name) continue;
    report.add({join_path(join_path("upstreams", index), "name")},
               "\"echo\" is the built-in model's name; choose another, or set echo.enabled: false");
  }
}

}  // namespace

std::vector<Violation> validate(const Settings& settings, const Places& places,
                                const std::string& fallback_file) {
  Report report{places, fallback_file};
  check_bind(settings, report);
  check_auth(settings.auth, report);
  check_heartbeats(settings.workers, report);
  check_echo(settings, report);
  return std::move(report.violations);
}

}  // namespace signalbox::config
