// Goal: whatever text comes, it ends as a tree or as a clear message at the right place. Method:
// literal texts, and the attacks on YAML readers: alias bombs, deep nesting, size, bytes that are
// no text.
#include "config/yaml_document.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "tests/config/support.hpp"

namespace signalbox::config {

TEST_CASE("yaml_document: empty texts are the defaults", "[config][yaml_document]") {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "--- # x\n...\n", "{}", "~",
                           "\xEF\xBB\xBF# with a byte order mark\n"}) {
    CAPTURE(text);
    const LoadResult result = load(text, "f.yaml");
    CHECK(result.violations.empty());
    CHECK(result.settings == Settings{});
  }
}

TEST_CASE("yaml_document: syntax errors have line and column", "[config][yaml_document]") {
  CHECK(problems("http:\n  port: 1\n bind: x\n") == Lines{"f.yaml:3:2: end of map not found"});
  CHECK(problems("http: {port: 1\n") == Lines{"f.yaml:2:1: end of map flow not found"});
  CHECK(problems("a: *nope\n") == Lines{"f.yaml:1:4: the referenced anchor is not defined"});
  CHECK(problems("http: 1\n}\n") == Lines{"f.yaml:2:1: illegal flow end"});
  CHECK(problems("\thttp: 1\n") == Lines{"f.yaml:1:6: illegal map value"});
  CHECK(problems("%YAML 9.0\n---\n{}\n") == Lines{"f.yaml:1:1: YAML major version too large"});
}

TEST_CASE("yaml_document: a quote that never closes does not swallow the rest",
          "[config][yaml_document]") {
  const std::string message = "the quoted text that starts here is not closed";
  CHECK(problems("store:\n  path: \"data\ngc: {}\n") == Lines{"f.yaml:2:9: " + message});
  CHECK(problems("store:\n  path: 'it''s\n") == Lines{"f.yaml:2:9: " + message});
  CHECK(problems("store:\n  path: \"a\\\"\n") == Lines{"f.yaml:2:9: " + message});
  CHECK(problems("store:\n  path: 'it''s'\n").empty());
  CHECK(problems("store:\n  path: \"a\\\"b\"\n").empty());
  CHECK(load("\xEF\xBB\xBFstore: {path: \"x\"}", "f").settings.store.path == "x");
}

TEST_CASE("yaml_document: one document only", "[config][yaml_document]") {
  CHECK(problems("http: {port: 1}\n---\nhttp: {port: 2}\n") ==
        Lines{"f.yaml:2:1: a second YAML document starts here; only one is allowed"});
  CHECK(problems("http: {port: 1}\n...\n").empty());
}

TEST_CASE("yaml_document: a stray comma ends, though yaml-cpp would go on for ever",
          "[config][yaml_document]") {
  CHECK(problems(",\nhttp: {port: 1}\n") == Lines{"f.yaml:1:1: this belongs to no key"});
  CHECK(problems(",") == Lines{"f.yaml:1:1: this belongs to no key"});
  CHECK(problems("# x\n, ,\n").size() == 1);
}

TEST_CASE("yaml_document: keys given twice", "[config][yaml_document]") {
  CHECK(problems("http:\n  port: 1\n  bind: ::1\n  port: 2\n") ==
        Lines{"f.yaml:4:3: http.port: is given twice, first in line 2"});
  CHECK(problems("gc: {}\nhttp: {}\ngc: {}\n") ==
        Lines{"f.yaml:3:1: gc: is given twice, first in line 1"});
  CHECK(problems("agents:\n- {name: a, llm: x, name: b}\n") ==
        Lines{"f.yaml:2:21: agents[0].name: is given twice, first in line 2"});
}

TEST_CASE("yaml_document: keys must be plain texts", "[config][yaml_document]") {
  CHECK(problems("? [a]\n: b\n") == Lines{"f.yaml:1:3: a key must be a plain text"});
  CHECK(problems("? {a: b}\n: b\n") == Lines{"f.yaml:1:3: a key must be a plain text"});
  CHECK(problems("~: b\n") == Lines{"f.yaml:1:1: a key must be a plain text"});
  CHECK(problems("x: &x [a]\n*x : b\n") == Lines{"f.yaml:2:1: a key must be a plain text"});
}

TEST_CASE("yaml_document: tags and merge keys are refused", "[config][yaml_document]") {
  CHECK(problems("store: {path: !!str x}\n") == Lines{"f.yaml:1:15: YAML tags are not supported"});
  CHECK(problems("http: !mine {port: 1}\n") == Lines{"f.yaml:1:7: YAML tags are not supported"});
  CHECK(problems("http:\n  <<: {port: 1}\n") == Lines{"f.yaml:2:3: http[\"<<\"]: unknown key"});
}

TEST_CASE("yaml_document: aliases stand for what they name", "[config][yaml_document]") {
  const LoadResult result = load(
      "gc: {interval_s: &short 7}\n"
      "tasks: {max_attempts: *short}\n"
      "inference:\n"
      "  profiles:\n"
      "    a: &one {max_concurrent: 3}\n"
      "    b: *one\n",
      "f.yaml");
  CHECK(result.violations.empty());
  CHECK(result.settings.tasks.max_attempts == 7);
  CHECK(result.settings.profiles.at("b").max_concurrent == 3U);
}

TEST_CASE("yaml_document: an alias inside its own anchor is refused", "[config][yaml_document]") {
  CHECK(problems("plugins: &x [*x]\n") ==
        Lines{"f.yaml:1:14: this alias stands inside what it names"});
}

TEST_CASE("yaml_document: an alias bomb ends at once", "[config][yaml_document]") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 12; ++level) {
    const std::string before = "*a" + std::to_string(level - 1);
    const std::string name = "a" + std::to_string(level);
    text.append(name).append(": &").append(name).append(" [").append(before);
    for (int copy = 0; copy < 9; ++copy) text += ", " + before;
    text += "]\n";
  }
  CHECK(problems(text) == Lines{"f.yaml:6:15: more than 200000 values (aliases count as all they "
                                "stand for)"});
}

TEST_CASE("yaml_document: aliases of one long text are bounded too", "[config][yaml_document]") {
  std::string text =
      "agents:\n- {name: a, llm: b, defaults: {x: &x '" + std::string(500'000, 'x') + "', y: [";
  for (int copy = 0; copy < 1000; ++copy) text += "*x,";
  const auto lines = problems(text + "]}}\n");
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("more than 200000 values"));
}

TEST_CASE("yaml_document: nesting is bounded", "[config][yaml_document]") {
  CHECK(problems(std::string(100, '[') + std::string(100, ']')) ==
        Lines{"f.yaml:1:65: nested deeper than 64"});
  CHECK(problems(std::string(1'000'000, '[')).size() == 1);
  CHECK(problems(std::string(1'000'000, '{')).size() == 1);
  std::string maps;
  for (int depth = 0; depth < 300; ++depth)
    maps += std::string(static_cast<std::size_t>(depth), ' ') + "a:\n";
  CHECK(problems(maps) == Lines{"f.yaml:65:65: nested deeper than 64"});
}

TEST_CASE("yaml_document: size is bounded", "[config][yaml_document]") {
  std::string text(yaml_bytes_max, '#');
  CHECK(problems(text).empty());
  text += '#';
  CHECK(problems(text) == Lines{"f.yaml:1:1: the file is larger than 1048576 bytes"});
}

TEST_CASE("yaml_document: only UTF-8 is text", "[config][yaml_document]") {
  const std::string message = "the file is not UTF-8 text";
  CHECK(problems("a: \xff\n") == Lines{"f.yaml:1:4: " + message});
  CHECK(problems("a: 1\n# \xc3\n") == Lines{"f.yaml:2:3: " + message});
  CHECK(problems("\xed\xa0\x80") == Lines{"f.yaml:1:1: " + message});
  CHECK(problems("\xc0\xaf") == Lines{"f.yaml:1:1: " + message});
  CHECK(problems("\xe0\x80\xaf") == Lines{"f.yaml:1:1: " + message});
  CHECK(problems("\xf0\x80\x80\xaf") == Lines{"f.yaml:1:1: " + message});
  CHECK(problems("\xf4\x90\x80\x80") == Lines{"f.yaml:1:1: " + message});
  CHECK(problems("# ü € 😀\n").empty());
  CHECK(problems(std::string("gc:\n\0", 5)) == Lines{"f.yaml:2:1: the file has a NUL byte"});
}

TEST_CASE("yaml_document: every cut of a file ends well", "[config][yaml_document]") {
  const std::string text =
      "http: {bind: \"::1\", allowed_hosts: [a, b]}\nagents:\n  - name: &n a\n    llm: *n\n"
      "    system_prompt: |\n      x\n    defaults: {a: [1, {b: 'c'}]}\n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    for (const Violation& violation : load(text.substr(0, size), "f.yaml").violations) {
      CHECK(violation.line > 0);
      CHECK(violation.column > 0);
      CHECK_FALSE(violation.message.empty());
    }
  }
}

TEST_CASE("yaml_document: a damaged file ends well", "[config][yaml_document]") {
  const std::string text =
      "http: {bind: \"::1\", allowed_hosts: [a, b]}\nagents:\n  - name: &n a\n    llm: *n\n"
      "    system_prompt: |\n      x\n    defaults: {a: [1, {b: 'c'}]}\n# end\n";
  const std::string signs = "{}[]:,#&*!|>'\"%@`-? \n\t~\\0a";
  std::mt19937 random{7};
  for (int run = 0; run < 2000; ++run) {
    std::string damaged = text;
    for (int slip = 0; slip < 4; ++slip) {
      damaged[random() % damaged.size()] = signs[random() % signs.size()];
    }
    CAPTURE(damaged);
    for (const Violation& violation : load(damaged, "f.yaml").violations) {
      REQUIRE(violation.line > 0);
      REQUIRE(violation.column > 0);
      REQUIRE_FALSE(violation.message.empty());
    }
  }
}

}  // namespace signalbox::config
