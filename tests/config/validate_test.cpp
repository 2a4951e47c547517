// Goal: the rules across keys hold and point at the value to change. Method: settings by hand, then
// whole files.
#include "config/validate.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "config/assemble.hpp"
#include "config/words.hpp"
#include "config/yaml_document.hpp"

namespace signalbox::config {
namespace {

std::vector<std::string> to_lines(const std::vector<Violation>& violations) {
  std::vector<std::string> lines;
  for (const Violation& violation : violations) lines.push_back(to_string(violation));
  return lines;
}

/// A file in the temporary folder for as long as it lives; one at a time, named by process, since
/// test programs may run side by side.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path{(std::filesystem::temp_directory_path() /
              ("signalbox-config-test-" + std::to_string(getpid()) + ".yaml"))
                 .string()} {
    std::ofstream{path, std::ios::binary} << text;
  }
  ~TemporaryFile() { std::remove(path.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string path;
};

std::optional<std::string> no_environment(const std::string&) {
  return std::nullopt;
}

const std::string bind_message =
    "\"0.0.0.0\" can be reached from other machines; that needs auth.mode: keys with at least one "
    "key in auth.keys (or bind 127.0.0.1)";

}  // namespace

TEST_CASE("validate: the defaults are valid", "[config][validate]") {
  CHECK(validate(Settings{}).empty());
}

TEST_CASE("validate: what is loopback", "[config][validate]") {
  for (const char* bind : {"127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"}) {
    CHECK(is_loopback(bind));
  }
  for (const char* bind : {"0.0.0.0", "::", "192.168.1.1", "128.0.0.1", "gpu.lan", "",
                           "127.0.0.1.evil", "::ffff:127.0.0.1", "127.1x"}) {
    CHECK_FALSE(is_loopback(bind));
  }
}

TEST_CASE("validate: a wider bind needs keys", "[config][validate]") {
  Settings settings;
  settings.http.bind = "0.0.0.0";
  CHECK(to_lines(validate(settings)) ==
        std::vector<std::string>{"defaults: http.bind: " + bind_message});
  settings.auth.keys.push_back({"a", "o", std::string(64, 'a'), {}, {}, Priority::interactive});
  CHECK(validate(settings).size() == 1);
  settings.auth.mode = AuthMode::keys;
  CHECK(validate(settings).empty());
  settings.auth.keys.clear();
  CHECK(validate(settings).size() == 2);
}

TEST_CASE("validate: heartbeats", "[config][validate]") {
  Settings settings;
  settings.workers.heartbeat_interval_s = 90;
  const Places places{{"workers.heartbeat_interval_s", {"f.yaml", 3, 4}}};
  CHECK(to_lines(validate(settings, places)) ==
        std::vector<std::string>{"f.yaml:3:4: workers.heartbeat_interval_s: heartbeat_timeout_s "
                                 "(90) must be above heartbeat_interval_s (90)"});
  settings.workers.heartbeat_timeout_s = 91;
  CHECK(validate(settings, places).empty());
}

TEST_CASE("validate: echo is the built-in model's name", "[config][validate]") {
  Settings settings;
  settings.upstreams.emplace(1).front().name = "echo";
  CHECK(validate(settings).size() == 1);
  settings.echo.enabled = false;
  CHECK(validate(settings).empty());
}

TEST_CASE("assemble: no file is the defaults", "[config][assemble]") {
  const LoadResult result = assemble({std::nullopt, {}, no_environment});
  CHECK(result.violations.empty());
  CHECK(result.settings == Settings{});
}

TEST_CASE("assemble: a rule points into the file, or at the flag that broke it",
          "[config][assemble]") {
  const TemporaryFile wide{"http:\n  bind: 0.0.0.0\n"};
  CHECK(to_lines(assemble({wide.path, {}, no_environment}).violations) ==
        std::vector<std::string>{wide.path + ":2:9: http.bind: " + bind_message});
  Flags flags;
  flags.bind = "127.0.0.1";
  CHECK(assemble({wide.path, flags, no_environment}).violations.empty());
  flags.bind = "0.0.0.0";
  CHECK(to_lines(assemble({std::nullopt, flags, no_environment}).violations) ==
        std::vector<std::string>{"flags: http.bind: " + bind_message});
}

TEST_CASE("assemble: the file named by the environment", "[config][assemble]") {
  const TemporaryFile file{"http: {port: 7}\n"};
  const auto lookup = [&](const std::string& name) -> std::optional<std::string> {
    if (name == "SIGNALBOX_CONFIG") return file.path;
    return std::nullopt;
  };
  CHECK(assemble({std::nullopt, {}, lookup}).settings.http.port == 7);
}

TEST_CASE("assemble: a file that cannot be read", "[config][assemble]") {
  CHECK(to_lines(assemble({"/nonexistent/x.yaml", {}, no_environment}).violations) ==
        std::vector<std::string>{"/nonexistent/x.yaml: cannot be read: No such file or directory"});
  CHECK(to_lines(assemble({"/tmp", {}, no_environment}).violations) ==
        std::vector<std::string>{"/tmp: cannot be read: Is a directory"});
  const TemporaryFile large{std::string(yaml_bytes_max + 5, '#')};
  const auto violations = assemble({large.path, {}, no_environment}).violations;
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].message == "the file is larger than 1048576 bytes");
}

TEST_CASE("assemble: a broken file is not also blamed for what it lacks", "[config][assemble]") {
  const TemporaryFile broken{"http: {bind: '::1'\nauth: {mode: keys}}\n"};
  Flags flags;
  flags.bind = "0.0.0.0";
  CHECK(assemble({broken.path, flags, no_environment}).violations.size() == 1);
}

TEST_CASE("settings: the well-known upstreams", "[config][settings]") {
  const auto upstreams = well_known_upstreams();
  REQUIRE(upstreams.size() == 4);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"lmstudio", "http://127.0.0.1:1234"},
      {"llamacpp", "http://127.0.0.1:8080"},
      {"ollama", "http://127.0.0.1:11434"},
      {"vllm", "http://127.0.0.1:8000"}};
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const UpstreamSettings& upstream = upstreams[index];
    CHECK(upstream.name == expected[index].first);
    CHECK(to_string(upstream.type) == expected[index].first);
    CHECK(upstream.url == expected[index].second);
    CHECK(upstream.discover);
    CHECK(upstream.well_known);
    CHECK_FALSE(upstream.capacity);
  }
}

}  // namespace signalbox::config
