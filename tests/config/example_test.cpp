// Goal: example file, documentation and code say the same. Method: the example is loaded and
// compared with the defaults, its commented parts are loaded too, and every key of it is looked for
// in docs/configuration.md.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "tests/config/support.hpp"

namespace signalbox::config {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream stream{std::filesystem::path{SIGNALBOX_SOURCE_DIR} / path};
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// The example with its commented entries switched on: "#  - name: x" becomes "  - name: x". Prose
/// comments stand after
/// "# ", with one blank.
std::string uncommented(const std::string& example) {
  std::istringstream lines{example};
  std::string line;
  std::string text;
  while (std::getline(lines, line)) {
    if (line.starts_with("#  ")) line = line.substr(1);
    // Their empty forms would stand before the entries.
    line = std::regex_replace(
        line, std::regex{"^( *(profiles|agents|keys|plugins):) (\\{\\}|\\[\\])$"}, "$1");
    text += line + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("example: loads as the defaults", "[config][example]") {
  const LoadResult result = load(read_file("config/signalbox.example.yaml"), "example");
  CHECK(result.violations.empty());
  CHECK(result.settings == Settings{});
}

TEST_CASE("example: its commented entries are valid", "[config][example]") {
  const LoadResult result =
      load(uncommented(read_file("config/signalbox.example.yaml")), "example");
  for (const Violation& violation : result.violations) FAIL_CHECK(to_string(violation));
  REQUIRE(result.settings.upstreams);
  CHECK(result.settings.upstreams->size() == 2);
  CHECK(result.settings.profiles.size() == 1);
  CHECK(result.settings.agents.size() == 1);
  CHECK(result.settings.auth.keys.size() == 1);
}

TEST_CASE("example: every key that can be set is in it and in the documentation",
          "[config][example]") {
  const std::string example = read_file("config/signalbox.example.yaml");
  const std::string documentation = read_file("docs/configuration.md");
  // The places of a load are the keys the code knows, so a new key must be shown to pass here.
  const LoadResult result = load(uncommented(example), "example");
  std::set<std::string> keys;
  for (const auto& [path, place] : result.places) {
    const std::string key = path.substr(path.find_last_of(".]") + 1);
    if (!key.empty()) keys.insert(key);
  }
  CHECK(keys.size() > 50);
  for (const std::string& key : keys) {
    CAPTURE(key);
    const bool is_documented = documentation.find("`" + key + "`") != std::string::npos ||
                               documentation.find("." + key + "`") != std::string::npos ||
                               documentation.find("## " + key + "\n") != std::string::npos ||
                               documentation.find("## " + key + ".") != std::string::npos ||
                               documentation.find("inference." + key) != std::string::npos;
    CHECK(is_documented);
  }
}

TEST_CASE("example: every key the reader knows is in it", "[config][example]") {
  const std::string example = read_file("config/signalbox.example.yaml");
  std::regex read{"\\b(?:read_\\w+|open_section|find|require)\\((?:root, |inference, )?\"(\\w+)\""};
  for (const char* source : {"config/load.cpp", "config/load_lists.cpp"}) {
    const std::string code = read_file(source);
    for (std::sregex_iterator each{code.begin(), code.end(), read}, end; each != end; ++each) {
      const std::string key = (*each)[1];
      CAPTURE(key);
      CHECK(example.find(key + ":") != std::string::npos);
    }
  }
}

}  // namespace signalbox::config
