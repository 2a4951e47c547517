// Goal: every key is read, and every slip is reported with its exact place. Method: literal YAML.
#include "config/load.hpp"

#include <catch2/catch.hpp>

#include "tests/config/support.hpp"

namespace signalbox::config {

TEST_CASE("load: the sections with single values", "[config][load]") {
  const LoadResult result = load(R"(
http: {bind: "::1", port: 0, max_body_bytes: 1024, max_unfinished_body_bytes: 1048576,
       max_requests: 16, allowed_hosts: [gpu.lan]}
store: {path: /var/lib/signalbox, map_size_gb: 2, commit: relaxed}
echo: {enabled: false, capacity: 3, tokens: 4, token_delay_ms: 0}
gc: {interval_s: 1, pending_timeout_s: 2, terminal_retention_s: 3, call_retention_s: 4}
workers: {heartbeat_interval_s: 4, heartbeat_timeout_s: 5, inactive_retention_s: 6,
          wake_timeout_s: 7, allow_hosts: [10.0.0.7]}
tasks: {max_attempts: 8, await_timeout_s: 9, max_backlog: 10}
plugins:
  - {path: ./a.so, settings: {depth: 2, words: [x, "1"]}}
  - {path: /opt/b.so, name: bee}
  - name: inside
)",
                                 "f.yaml");
  CHECK(result.violations.empty());
  Settings expected;
  expected.http = {"::1", 0, 1024, 1'048'576, 16, {"gpu.lan"}};
  expected.store = {"/var/lib/signalbox", 2, CommitMode::relaxed};
  expected.echo = {false, 3, 4, 0};
  expected.gc = {1, 2, 3, 4};
  expected.workers = {4, 5, 6, 7, {"10.0.0.7"}};
  expected.tasks = {8, 9, 10};
  expected.plugins = {{"a", "a.so", R"({"depth":2,"words":["x","1"]})"},
                      {"bee", "/opt/b.so", "{}"},
                      {"inside", "", "{}"}};
  CHECK(result.settings == expected);
}

TEST_CASE("load: sections without a value are their defaults", "[config][load]") {
  const LoadResult result = load(
      "http:\nstore:\nupstreams:\necho:\ninference:\n  profiles:\nagents:\nauth:\n  keys:\ngc: ~\n"
      "workers: null\ntasks:\nplugins:\n",
      "f.yaml");
  CHECK(result.violations.empty());
  CHECK(result.settings == Settings{});
}

TEST_CASE("load: numbers out of range", "[config][load]") {
  const auto whole = [](const std::string& range, const std::string& value) {
    return "must be a whole number from " + range + ", not " + value;
  };
  CHECK(problems("http:\n  port: 65536\n") ==
        Lines{"f.yaml:2:9: http.port: " + whole("0 to 65535", "\"65536\"")});
  CHECK(problems("http:\n  port: -1\n") ==
        Lines{"f.yaml:2:9: http.port: " + whole("0 to 65535", "\"-1\"")});
  CHECK(problems("tasks: {max_attempts: 0}") ==
        Lines{"f.yaml:1:23: tasks.max_attempts: " + whole("1 to 100", "\"0\"")});
  CHECK(problems("gc: {interval_s: 99999999999999999999}") ==
        Lines{"f.yaml:1:18: gc.interval_s: " + whole("1 to 86400", "\"99999999999999999999\"")});
  CHECK(problems("store: {map_size_gb: 4097}").size() == 1);
  CHECK(problems("store: {map_size_gb: 4096}").empty());
  CHECK(problems("http: {max_body_bytes: 1023}").size() == 1);
  CHECK(problems("http: {max_body_bytes: 268435457}").size() == 1);
  CHECK(problems("http: {max_unfinished_body_bytes: 1048575}").size() == 1);
  CHECK(problems("http: {max_unfinished_body_bytes: 68719476736}").empty());
  CHECK(problems("http: {max_requests: 15}").size() == 1);
  CHECK(problems("http: {max_requests: 32769}").size() == 1);
  CHECK(problems("workers: {heartbeat_timeout_s: 1}").size() == 1);
  CHECK(problems("tasks: {max_backlog: 100000001}").size() == 1);
  CHECK(problems("echo: {token_delay_ms: 60001}").size() == 1);
}

TEST_CASE("load: values of the wrong type", "[config][load]") {
  CHECK(problems("http: {port: \"8642\"}") ==
        Lines{"f.yaml:1:14: http.port: must be a whole number from 0 to 65535, not \"8642\""});
  CHECK(problems("http: {port: 1.5}").size() == 1);
  CHECK(problems("http: {port: 0x10}").size() == 1);
  CHECK(problems("http: {port: 1e3}").size() == 1);
  CHECK(problems("http:\n  port:\n  bind: ::1\n") ==
        Lines{"f.yaml:2:3: http.port: must be a whole number, not nothing"});
  CHECK(problems("http: {port: [1]}") ==
        Lines{"f.yaml:1:14: http.port: must be a whole number, not a list"});
  CHECK(problems("store: {path: {a: b}}") ==
        Lines{"f.yaml:1:15: store.path: must be a text, not a map"});
  CHECK(problems("echo: {enabled: yes}") ==
        Lines{"f.yaml:1:17: echo.enabled: must be true or false, not \"yes\""});
  CHECK(problems("echo: {enabled: \"true\"}").size() == 1);
  CHECK(problems("http: 8642") == Lines{"f.yaml:1:7: http: must be a map of keys, not \"8642\""});
  CHECK(problems("http: [1]") == Lines{"f.yaml:1:7: http: must be a map of keys, not a list"});
  CHECK(problems("- http") == Lines{"f.yaml:1:1: must be a map of keys, not a list"});
  CHECK(problems("hello") == Lines{"f.yaml:1:1: must be a map of keys, not \"hello\""});
  CHECK(problems("agents: {a: b}") == Lines{"f.yaml:1:9: agents: must be a list, not a map"});
  CHECK(problems("plugins: x.so") == Lines{"f.yaml:1:10: plugins: must be a list, not \"x.so\""});
  CHECK(problems("plugins: [x.so]") ==
        Lines{"f.yaml:1:11: plugins[0]: must be a map of keys, not \"x.so\""});
  CHECK(problems("http: {allowed_hosts: [[x]]}") ==
        Lines{"f.yaml:1:24: http.allowed_hosts[0]: must be a text, not a list"});
  CHECK(problems("agents: [~]") ==
        Lines{"f.yaml:1:10: agents[0]: must be a map of keys, not nothing"});
  CHECK(problems("agents: [x]") ==
        Lines{"f.yaml:1:10: agents[0]: must be a map of keys, not \"x\""});
}

TEST_CASE("load: texts and words that cannot be", "[config][load]") {
  CHECK(problems("http: {bind: ''}") ==
        Lines{"f.yaml:1:14: http.bind: must be an address or a host name, without port, not \"\""});
  CHECK(problems("http: {allowed_hosts: [ok, 'a/b']}") ==
        Lines{"f.yaml:1:28: http.allowed_hosts[1]: must be an address or a host name, without "
              "port, not \"a/b\""});
  CHECK(problems("http: {allowed_hosts: [a, a]}") ==
        Lines{"f.yaml:1:27: http.allowed_hosts[1]: \"a\" is in the list twice"});
  CHECK(problems("store: {path: ''}") == Lines{"f.yaml:1:15: store.path: must not be empty"});
  CHECK(problems("store: {commit: relax}") ==
        Lines{"f.yaml:1:17: store.commit: must be sync or relaxed, not \"relax\"; did you mean "
              "relaxed?"});
  CHECK(problems("store: {commit: 7}") ==
        Lines{"f.yaml:1:17: store.commit: must be sync or relaxed, not \"7\""});
  CHECK(problems("store: {path: ''}") == Lines{"f.yaml:1:15: store.path: must not be empty"});
}

TEST_CASE("load: unknown keys, with the near miss", "[config][load]") {
  CHECK(problems("http:\n  prot: 1\n") ==
        Lines{"f.yaml:2:3: http.prot: unknown key; did you mean port?"});
  CHECK(problems("htpp: {}") == Lines{"f.yaml:1:1: htpp: unknown key; did you mean http?"});
  CHECK(problems("inference: {profiles: {a: {max_qeued: 1}}}") ==
        Lines{"f.yaml:1:28: inference.profiles.a.max_qeued: unknown key; did you mean "
              "max_queued?"});
  CHECK(problems("inference: {profiles: {a: {max-queued: 1}}}") ==
        Lines{"f.yaml:1:28: inference.profiles.a.max-queued: unknown key; did you mean "
              "max_queued?"});
  CHECK(problems("zzzzzz: 1") == Lines{"f.yaml:1:1: zzzzzz: unknown key"});
  CHECK(problems("inference: {profile: {}}") ==
        Lines{"f.yaml:1:13: inference.profile: unknown key; did you mean profiles?"});
}

TEST_CASE("load: all violations at once, in the order of the file", "[config][load]") {
  CHECK(problems("tasks: {max_attempts: 0, x: 1}\nhttp:\n  port: a\n  port: 2\nzzz: 1\n") ==
        Lines{"f.yaml:1:23: tasks.max_attempts: must be a whole number from 1 to 100, not \"0\"",
              "f.yaml:1:26: tasks.x: unknown key",
              "f.yaml:3:9: http.port: must be a whole number from 0 to 65535, not \"a\"",
              "f.yaml:4:3: http.port: is given twice, first in line 3",
              "f.yaml:5:1: zzz: unknown key"});
}

TEST_CASE("load: control characters of the file do not reach the terminal", "[config][load]") {
  CHECK(problems("store: {commit: \"\\e[31m\"}") ==
        Lines{"f.yaml:1:17: store.commit: must be sync or relaxed, not \"\\x1B[31m\""});
}

TEST_CASE("load: long lists are read in linear time", "[config][load]") {
  std::string text = "http: {allowed_hosts: [";
  for (int index = 0; index < 100'000; ++index) text += "a" + std::to_string(index) + ",";
  CHECK(load(text + "]}", "f.yaml").settings.http.allowed_hosts.size() == 100'000);
}

TEST_CASE("load: plugins, by path from the file's folder or by name", "[config][load]") {
  const auto settings =
      load("plugins: [{path: lib/a.so}, {path: /b.so}]", "/etc/box/f.yaml").settings;
  REQUIRE(settings.plugins.size() == 2);
  CHECK(settings.plugins[0].path == "/etc/box/lib/a.so");
  CHECK(settings.plugins[0].name == "a");
  CHECK(settings.plugins[1].path == "/b.so");
  CHECK(
      problems("plugins: [{settings: {a: 1}}]") ==
      Lines{
          "f.yaml:1:11: plugins[0]: must have a path, or the name of a plugin that is linked in"});
  CHECK(problems("plugins: [{name: a, settings: 3}]") ==
        Lines{"f.yaml:1:31: plugins[0].settings: must be a map of the plugin's own settings, not "
              "\"3\""});
  CHECK(problems("plugins: [{path: x/a.so}, {name: a}]") ==
        Lines{"f.yaml:1:27: plugins[1].name: \"a\" is used twice, first in line 1"});
  CHECK(problems("plugins: [{name: a, pat: b}]") ==
        Lines{"f.yaml:1:21: plugins[0].pat: unknown key; did you mean path?"});
}

TEST_CASE("load: remembers where values were written", "[config][load]") {
  const LoadResult result = load("http:\n  bind: 0.0.0.0\n", "f.yaml");
  CHECK(result.places.at("http.bind") == Place{"f.yaml", 2, 9});
  CHECK(result.places.count("http.port") == 0);
}

}  // namespace signalbox::config
