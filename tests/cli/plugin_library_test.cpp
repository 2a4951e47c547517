// Goal: a plugin that does not fit is named with both versions and never run. Method: shared
// objects of this build, and entries made up here.
#include "cli/serve/plugin_library.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <stdexcept>

namespace signalbox::cli {

// The table of what is linked into the daemon is the daemon's.
const std::vector<LinkedPlugin>& linked_plugins() {
  static const std::vector<LinkedPlugin> table;
  return table;
}

namespace {

using plugin::Entry;

class Nothing final : public plugin::Plugin {
 public:
  void start(plugin::Host&) override {}
};

std::unique_ptr<plugin::Plugin> make_nothing(const std::string& settings) {
  if (settings != "{}") throw std::invalid_argument("it has no settings");
  return std::make_unique<Nothing>();
}

const Entry fitting{plugin::abi, plugin::version, make_nothing};
const std::vector<LinkedPlugin> linked{{"nothing", [] { return &fitting; }}};

std::string so(const std::string& name) {
  return std::string{SIGNALBOX_PLUGIN_DIR} + "/" + name + ".so";
}

/// What is wrong with one plugin that stands in line 3 of a file.
std::string problem_with(config::PluginSettings settings) {
  const config::Places places{{"plugins[0].path", {"f.yaml", 3, 5}},
                              {"plugins[0].name", {"f.yaml", 4, 5}}};
  const auto loaded = load_plugins({std::move(settings)}, places, "f.yaml", linked);
  if (loaded.violations.empty()) return "";
  CHECK(loaded.plugins.empty());
  CHECK(loaded.violations.size() == 1);
  return config::to_string(loaded.violations[0]);
}

}  // namespace

TEST_CASE("plugin library: one that fits is loaded and made", "[cli][plugin]") {
  const auto loaded =
      load_plugins({{"echo", so("echo"), "{}"}, {"again", so("echo"), "{}"}, {"nothing", "", "{}"}},
                   {}, "f.yaml", linked);
  CHECK(loaded.violations.empty());
  REQUIRE(loaded.plugins.size() == 3);
  CHECK(loaded.plugins[0].name == "echo");
  CHECK(loaded.plugins[1].name == "again");
  CHECK(loaded.plugins[1].plugin);
}

TEST_CASE("plugin library: one of another signalbox is named with both versions", "[cli][plugin]") {
  CHECK(problem_with({"foreign", so("foreign"), "{}"}) ==
        "f.yaml:3:5: plugins[0].path: " + so("foreign") +
            " was built for signalbox 9.3.1 (plugin ABI " + std::to_string(plugin::abi + 6) +
            "), this is signalbox " + plugin::version + " (plugin ABI " +
            std::to_string(plugin::abi) + "): build it anew");
}

TEST_CASE("plugin library: the ABI must agree, and the first two numbers of the version",
          "[cli][plugin]") {
  const auto fits = [](std::uint32_t abi, const char* version) {
    const Entry entry{abi, version, make_nothing};
    return !find_misfit(&entry, "x").has_value();
  };
  CHECK(fits(plugin::abi, plugin::version));
  CHECK(fits(plugin::abi, "0.1.99"));
  CHECK_FALSE(fits(plugin::abi + 1, plugin::version));
  CHECK_FALSE(fits(plugin::abi - 1, plugin::version));
  CHECK_FALSE(fits(plugin::abi, "0.2.0"));
  CHECK_FALSE(fits(plugin::abi, "1.1.0"));
  CHECK_FALSE(fits(plugin::abi, "0.10.0"));
  CHECK_FALSE(fits(plugin::abi, ""));
  CHECK_FALSE(fits(plugin::abi, nullptr));
  CHECK(find_misfit(nullptr, "x"));
  const Entry unmade{plugin::abi, plugin::version, nullptr};
  CHECK(find_misfit(&unmade, "x"));
}

TEST_CASE("plugin library: what is no plugin is refused in words", "[cli][plugin]") {
  using Catch::Contains;
  CHECK_THAT(problem_with({"gone", "/no/such.so", "{}"}),
             Contains("f.yaml:3:5: plugins[0].path: cannot be loaded: /no/such.so"));
  const std::string text = so("text");
  std::ofstream{text} << "hello";
  CHECK_THAT(problem_with({"text", text, "{}"}), Contains("cannot be loaded"));
  std::remove(text.c_str());
  CHECK_THAT(problem_with({"m", "/lib/x86_64-linux-gnu/libm.so.6", "{}"}), Contains("libm.so.6"));
  CHECK_THAT(problem_with({"some", "", "{}"}),
             Contains("f.yaml:4:5: plugins[0].name: some is not linked into this signalbox"));
}

TEST_CASE("plugin library: settings that a plugin refuses are a violation", "[cli][plugin]") {
  using Catch::Contains;
  CHECK_THAT(problem_with({"nothing", "", "{\"a\":1}"}),
             Contains("plugins[0].settings: it has no settings"));
  CHECK_THAT(problem_with({"echo", so("echo"), R"({"lm":"x"})"}), Contains("echo has llm"));
  CHECK_THAT(problem_with({"broken", so("broken"), R"({"make":"throw_int"})"}),
             Contains("no std::exception"));
}

}  // namespace signalbox::cli
