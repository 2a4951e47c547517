// Goal: an owner keeps its number while it has a call, and the table stays bounded. Method: a long
// stream of owners beside a few that stay.
#include "core/policies/owner_table.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {

TEST_CASE("owner_table: an owner has one number, others have others", "[core][owner_table]") {
  OwnerTable table;
  std::vector<OwnerIndex> forgotten;
  const OwnerIndex alice = table.acquire("alice", forgotten);
  const OwnerIndex nobody = table.acquire("", forgotten);
  CHECK(alice != nobody);
  CHECK(table.acquire("alice", forgotten) == alice);
  CHECK(table.name(alice) == "alice");
  CHECK(table.name(nobody).empty());
  table.release(alice);
  table.release(alice);
  CHECK_FALSE(survives([&] { (void)table.name(alice); }));
  CHECK(table.acquire("alice", forgotten) == alice);
  CHECK(forgotten.empty());
  CHECK(table.size() == 2);
}

TEST_CASE("owner_table: who has a call is never forgotten, others are when they are too many",
          "[core][owner_table]") {
  OwnerTable table;
  std::vector<OwnerIndex> forgotten;
  const OwnerIndex alice = table.acquire("alice", forgotten);
  std::set<OwnerIndex> seen;
  std::size_t forgets = 0;
  for (int number = 0; number < 10'000; ++number) {
    const OwnerIndex owner = table.acquire("owner " + std::to_string(number), forgotten);
    REQUIRE(owner != alice);
    table.release(owner);
    seen.insert(owner);
    for (const OwnerIndex each : forgotten) REQUIRE(each != alice);
    forgets += forgotten.size();
    forgotten.clear();
    REQUIRE(table.size() <= owners_kept + 2);
  }
  CHECK(forgets + table.size() == 10'001);
  CHECK(seen.size() <= owners_kept + 2);
  CHECK(table.acquire("alice", forgotten) == alice);
  // The newest are still known.
  const std::size_t size = table.size();
  table.acquire("owner 9999", forgotten);
  CHECK(table.size() == size);
}

TEST_CASE("owner_table: one release too many is a bug", "[core][owner_table]") {
  CHECK_FALSE(survives([] { OwnerTable{}.release(0); }));
}

}  // namespace signalbox::test
