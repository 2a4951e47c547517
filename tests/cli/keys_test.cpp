// Goal: keys that no two callers share, and a line that the configuration takes. Method: literal
// bytes; the line read back by the configuration's own reader.
#include "cli/keys.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "config/load.hpp"
#include "http/front/auth.hpp"

namespace signalbox::cli {
namespace {

config::KeySettings read_back(const std::string& line) {
  const auto result = config::load("auth:\n  mode: keys\n  keys:\n    " + line + "\n", "x.yaml");
  for (const auto& violation : result.violations) FAIL(config::to_string(violation));
  return result.settings.auth.keys.at(0);
}

}  // namespace

TEST_CASE("keys: base64url without padding", "[cli][keys]") {
  using Bytes = std::vector<unsigned char>;
  CHECK(format_key(Bytes{}) == "sbx_");
  CHECK(format_key(Bytes{'f'}) == "sbx_Zg");
  CHECK(format_key(Bytes{'f', 'o'}) == "sbx_Zm8");
  CHECK(format_key(Bytes{'f', 'o', 'o'}) == "sbx_Zm9v");
  CHECK(format_key(Bytes{0xFB, 0xFF, 0xFE}) == "sbx_-__-");
  CHECK(format_key(Bytes(32, 0xFF)).size() == 4 + 43);
}

TEST_CASE("keys: the configuration takes the line", "[cli][keys]") {
  NewKeyOptions options;
  options.owner = "alice@team/a:b";
  options.id = "true";
  options.grants = {"tasks:view", "calls:view"};
  options.default_priority = Priority::background;
  options.max_priority = Priority::workflow;
  const config::KeySettings key = read_back(format_key_line(options, "sbx_1"));
  CHECK(key.id == "true");
  CHECK(key.owner == "alice@team/a:b");
  CHECK(key.sha256 == http::sha256_hex("sbx_1"));
  CHECK(key.grants == options.grants);
  CHECK(key.default_priority == Priority::background);
  CHECK(key.max_priority == Priority::workflow);
}

TEST_CASE("keys: without an id one is made up, within a name's length", "[cli][keys]") {
  NewKeyOptions options;
  options.owner = "alice";
  const config::KeySettings key = read_back(format_key_line(options, "sbx_1"));
  CHECK(key.id == "alice-" + http::sha256_hex("sbx_1").substr(0, 6));
  CHECK(key.grants.empty());
  CHECK_FALSE(key.default_priority);
  options.owner = std::string(128, 'x');
  CHECK(read_back(format_key_line(options, "sbx_1")).id.size() == 128);
}

}  // namespace signalbox::cli
