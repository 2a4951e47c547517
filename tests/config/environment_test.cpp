// Goal: flags > environment > file > defaults, and bad values of each are told apart. Method: a
// made environment.
#include "config/environment.hpp"

#include <catch2/catch.hpp>
#include <map>

namespace signalbox::config {
namespace {

Lookup made(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

}  // namespace

TEST_CASE("environment: variables go over the file", "[config][environment]") {
  LoadResult result = load("http: {bind: '::1', port: 1}\nstore: {path: a, commit: sync}\n", "f");
  apply_environment(result, made({{"SIGNALBOX_HTTP_BIND", "127.0.0.2"},
                                  {"SIGNALBOX_HTTP_PORT", "2"},
                                  {"SIGNALBOX_STORE_PATH", "b"},
                                  {"SIGNALBOX_STORE_COMMIT", "relaxed"}}));
  CHECK(result.violations.empty());
  CHECK(result.settings.http.bind == "127.0.0.2");
  CHECK(result.settings.http.port == 2);
  CHECK(result.settings.store.path == "b");
  CHECK(result.settings.store.commit == CommitMode::relaxed);
  CHECK(result.places.at("http.bind") == Place{"environment", 0, 0});
}

TEST_CASE("environment: flags go over variables", "[config][environment]") {
  LoadResult result;
  apply_environment(result, made({{"SIGNALBOX_HTTP_PORT", "2"}, {"SIGNALBOX_STORE_PATH", "b"}}));
  apply_flags(result, Flags{"::1", "3", std::nullopt, "relaxed"});
  CHECK(result.violations.empty());
  CHECK(result.settings.http.bind == "::1");
  CHECK(result.settings.http.port == 3);
  CHECK(result.settings.store.path == "b");
  CHECK(result.settings.store.commit == CommitMode::relaxed);
  CHECK(result.places.at("http.port") == Place{"flags", 0, 0});
}

TEST_CASE("environment: nothing given changes nothing", "[config][environment]") {
  LoadResult result;
  apply_environment(result, made({{"SIGNALBOX_HTTP_BIND", ""}, {"SIGNALBOX_HTTP_PORT", ""}}));
  apply_flags(result, Flags{});
  CHECK(result.violations.empty());
  CHECK(result.settings == Settings{});
}

TEST_CASE("environment: bad values are violations", "[config][environment]") {
  LoadResult result;
  apply_environment(result, made({{"SIGNALBOX_HTTP_BIND", "a b"},
                                  {"SIGNALBOX_HTTP_PORT", "65536"},
                                  {"SIGNALBOX_STORE_COMMIT", "no"}}));
  apply_flags(result, Flags{"", "-1", "", "never"});
  std::vector<std::string> lines;
  for (const Violation& violation : result.violations) lines.push_back(to_string(violation));
  CHECK(lines ==
        std::vector<std::string>{
            "environment: SIGNALBOX_HTTP_BIND: must be an address or a host name, without port, "
            "not \"a b\"",
            "environment: SIGNALBOX_HTTP_PORT: must be a whole number from 0 to 65535, not "
            "\"65536\"",
            "environment: SIGNALBOX_STORE_COMMIT: must be sync or relaxed, not \"no\"",
            "flags: --bind: must be an address or a host name, without port, not \"\"",
            "flags: --port: must be a whole number from 0 to 65535, not \"-1\"",
            "flags: --store: must not be empty",
            "flags: --commit: must be sync or relaxed, not \"never\""});
  CHECK(result.settings == Settings{});
}

TEST_CASE("environment: which file is read", "[config][environment]") {
  const Lookup lookup = made({{"SIGNALBOX_CONFIG", "env.yaml"}});
  CHECK(find_config_file("flag.yaml", lookup) == "flag.yaml");
  CHECK(find_config_file(std::nullopt, lookup) == "env.yaml");
  CHECK_FALSE(find_config_file(std::nullopt, made({{"SIGNALBOX_CONFIG", ""}})));
  CHECK_FALSE(find_config_file(std::nullopt, made({})));
}

}  // namespace signalbox::config
