// Goal: tables that people read and scripts cut. Method: literal tables.
#include "cli/client/table.hpp"

#include <catch2/catch.hpp>

namespace signalbox::cli {

TEST_CASE("table: columns are as wide as their widest cell", "[cli][table]") {
  CHECK(format_table({"NAME", "SLOTS"}, {{"a", "10"}, {"longer", "1"}}) ==
        "NAME    SLOTS\n"
        "a       10\n"
        "longer  1\n");
}

TEST_CASE("table: the header stays without rows", "[cli][table]") {
  CHECK(format_table({"ID", "STATUS"}, {}) == "ID  STATUS\n");
  CHECK(format_table({"ID", "STATUS"}, {}, {false, 0}).empty());
}

TEST_CASE("table: without headers their width does not count", "[cli][table]") {
  CHECK(format_table({"INTERACTIVE", "B"}, {{"1", "2"}}, {false, 0}) == "1  2\n");
}

TEST_CASE("table: an empty cell is a dash", "[cli][table]") {
  CHECK(format_table({"A", "B"}, {{"", ""}}, {}) == "A  B\n-  -\n");
}

TEST_CASE("table: characters count, not bytes", "[cli][table]") {
  CHECK(count_characters("aü€") == 3);
  CHECK(format_table({"A", "B"}, {{"ü€", "x"}, {"abc", "y"}}) == "A    B\nü€   x\nabc  y\n");
}

TEST_CASE("table: shortened on a terminal only, and never the first column", "[cli][table]") {
  const std::vector<std::vector<std::string>> rows{
      {"0123456789abcdef", "aaaaaaaaaaaaaaaaaaaa", "x"}};
  CHECK(format_table({"ID", "MODEL", "S"}, rows) ==
        "ID                MODEL                 S\n"
        "0123456789abcdef  aaaaaaaaaaaaaaaaaaaa  x\n");
  CHECK(format_table({"ID", "MODEL", "S"}, rows, {true, 31}) ==
        "ID                MODEL       S\n"
        "0123456789abcdef  aaaaaaaaa…  x\n");
  CHECK(format_table({"ID", "MODEL", "S"}, rows, {true, 5}) ==
        "ID                MODEL     S\n"
        "0123456789abcdef  aaaaaaa…  x\n");
  CHECK(format_table({"A", "B"}, {{"x", "üüüüüüüüüü"}}, {true, 11}) == "A  B\nx  üüüüüüü…\n");
}

TEST_CASE("table: ages", "[cli][table]") {
  using namespace std::chrono_literals;
  CHECK(format_age(-5s) == "0s");
  CHECK(format_age(999ms) == "0s");
  CHECK(format_age(119s) == "119s");
  CHECK(format_age(120s) == "2m");
  CHECK(format_age(7199s) == "119m");
  CHECK(format_age(2h) == "2h");
  CHECK(format_age(47h) == "47h");
  CHECK(format_age(48h) == "2d");
  CHECK(format_age(24h * 1000) == "1000d");
}

}  // namespace signalbox::cli
