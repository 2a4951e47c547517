// Goal: the directory's promises one by one, among them those that concern several targets at once,
// which the oracle's worlds leave open. Method: one case per promise.
#include "core/backends/directory.hpp"

#include <catch2/catch.hpp>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using enum Priority;

constexpr WallTime some_time{std::chrono::milliseconds{77}};

Llm llm_of(std::string name, std::string group, std::uint32_t capacity, std::string pool = {}) {
  Llm llm;
  llm.name = std::move(name);
  llm.group = std::move(group);
  llm.capacity = capacity;
  llm.pool = std::move(pool);
  llm.status = LlmStatus::active;
  return llm;
}

LeaseRequest request_of(std::string requester, std::string target, Priority priority = workflow) {
  return {std::move(requester), std::move(target), priority, {}, false};
}

}  // namespace

TEST_CASE("directory: the models of one server share its capacity", "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("x", "server", 2), llm_of("y", "server", 2)});
  CHECK(book.acquire(request_of("p", "x")));
  CHECK(book.acquire(request_of("q", "y")));
  CHECK_FALSE(book.acquire(request_of("r", "x")));
  CHECK_FALSE(book.acquire(request_of("s", "y")));
  CHECK(book.running_total() == 2);
}

TEST_CASE("directory: one server's models are served by class, then arrival, not by name",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("embedder", "server", 1), llm_of("talker", "server", 1)});
  const auto lease = book.acquire(request_of("bulk", "embedder", background));
  REQUIRE(lease);
  REQUIRE_FALSE(book.acquire(request_of("bulk", "embedder", background)));
  REQUIRE_FALSE(book.acquire(request_of("chat", "talker", interactive)));
  book.release(*lease);
  const auto grants = book.serve_line();
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].requester == "chat");
}

TEST_CASE("directory: one server's models in one class take turns by arrival",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", "server", 1), llm_of("b", "server", 1)});
  const auto lease = book.acquire(request_of("p", "a"));
  REQUIRE(lease);
  REQUIRE_FALSE(book.acquire(request_of("first", "b")));
  REQUIRE_FALSE(book.acquire(request_of("second", "a")));
  book.release(*lease);
  const auto grants = book.serve_line();
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].requester == "first");
}

TEST_CASE("directory: who avoids one that failed waits for it rather than go where nobody is",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("alive", "one", 1, "pool")});
  book.put_llms(2, {llm_of("away", "two", 1, "pool")});
  book.set_status(2, LlmStatus::inactive, some_time);
  const auto lease = book.acquire(request_of("other", "pool"));
  REQUIRE(lease);
  LeaseRequest again = request_of("again", "pool");
  again.avoid = {"alive"};
  again.accept_inactive = true;
  CHECK_FALSE(book.acquire(again));
  book.release(*lease);
  const auto grants = book.serve_line();
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].lease.llm == "alive");
  book.release(grants[0].lease);
  // Only where nobody is alive one that is away is worth a try.
  book.set_status(1, LlmStatus::inactive, some_time);
  const auto last = book.acquire(again);
  REQUIRE(last);
  CHECK(last->llm == "away");
}

TEST_CASE("directory: who stands in line is told when it is not room any more that it waits for",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", "server", 1), llm_of("b", "server", 1)});
  book.put_llms(2, {llm_of("other", "server 2", 1)});
  CHECK_FALSE(book.lacks_room("a"));
  CHECK_FALSE(book.lacks_room("nobody's"));
  const auto lease = book.acquire(request_of("p", "b"));
  REQUIRE(lease);
  CHECK(book.lacks_room("a"));
  REQUIRE_FALSE(book.acquire(request_of("p", "a")));
  REQUIRE_FALSE(book.acquire(request_of("q", "nobody's")));
  CHECK(book.serve_line().empty());
  CHECK(book.take_news().empty());
  const auto has_news = [&](bool waits_for_room) {
    const auto news = book.take_news();
    return news.size() == 1 && news[0].requester == "p" && news[0].target == "a" &&
           news[0].waits_for_room == waits_for_room && book.take_news().empty();
  };
  book.set_status(1, LlmStatus::inactive, some_time);
  CHECK(book.serve_line().empty());
  CHECK(has_news(false));
  book.set_status(1, LlmStatus::active, some_time);
  CHECK(book.serve_line().empty());
  CHECK(has_news(true));
  book.release(*lease);
  REQUIRE(book.serve_line().size() == 1);
  CHECK(book.take_news().empty());
}

TEST_CASE("directory: an LLM that is left out changes nothing, not even its group",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("x", "one", 1)});
  const auto refused = book.put_llms(2, {llm_of("y", "two", 1), llm_of("x", "two", 8)});
  CHECK(refused == std::vector<std::string>{"x"});
  const auto table = book.table();
  REQUIRE(table.llms.size() == 2);
  CHECK(table.find("x")->executor == 1);
  CHECK(table.find("x")->capacity == 1);
  CHECK(table.find("y")->capacity == 1);
}

TEST_CASE("directory: a name that is taken gives way to the qualified one, where there is one",
          "[core][directory]") {
  DirectoryBook book;
  Llm first = llm_of("m", "one", 1);
  first.qualified_name = "up1/m";
  Llm second = llm_of("m", "two", 1);
  second.qualified_name = "up2/m";
  CHECK(book.put_llms(1, {first}).empty());
  CHECK(book.put_llms(2, {second}).empty());
  REQUIRE(book.table().find("m") != nullptr);
  CHECK(book.table().find("m")->executor == 1);
  REQUIRE(book.table().find("up2/m") != nullptr);
  CHECK(book.table().find("up2/m")->executor == 2);
  // Said again by both, as discovery does: nobody is renamed.
  CHECK(book.put_llms(1, {first}).empty());
  CHECK(book.put_llms(2, {second}).empty());
  CHECK(book.table().llms.size() == 2);
  CHECK(book.table().find("m")->executor == 1);
}

TEST_CASE("directory: the owner of a name keeps it until it lets go", "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("x", "one", 1)});
  CHECK(book.put_llms(2, {llm_of("x", "two", 1)}).size() == 1);
  book.set_status(1, LlmStatus::inactive, some_time);
  CHECK(book.put_llms(2, {llm_of("x", "two", 1)}).size() == 1);
  CHECK(book.put_llms(1, {}).empty());
  CHECK(book.put_llms(2, {llm_of("x", "two", 1)}).empty());
  CHECK(book.table().find("x")->executor == 2);
}

TEST_CASE("directory: an executor that comes back is still charged for the leases that are out",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("x", "g", 1)});
  const auto lease = book.acquire(request_of("p", "x"));
  REQUIRE(lease);
  book.remove_executor(1);
  CHECK(book.running_total() == 1);
  book.put_llms(1, {llm_of("x", "g", 1)});
  CHECK_FALSE(book.acquire(request_of("q", "x")));
  book.release(*lease);
  CHECK(book.serve_line().size() == 1);
}

TEST_CASE("directory: capacity lowered under what runs grants nothing until it is met",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("x", "g", 3)});
  std::vector<Lease> out;
  for (const auto* name : {"p", "q", "r"})
    out.push_back(book.acquire(request_of(name, "x")).value());
  book.put_llms(1, {llm_of("x", "g", 1)});
  CHECK_FALSE(book.acquire(request_of("s", "x")));
  book.release(out[0]);
  book.release(out[1]);
  CHECK(book.serve_line().empty());
  book.release(out[2]);
  CHECK(book.serve_line().size() == 1);
}

TEST_CASE("directory: a capacity of none declared counts one", "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("x", "g", 0)});
  CHECK(book.acquire(request_of("p", "x")));
  CHECK_FALSE(book.acquire(request_of("q", "x")));
  CHECK(book.capacities("x") == CapacityList{{"g", 1}});
}

TEST_CASE("directory: a lease given back twice or never taken is refused as a bug",
          "[core][directory]") {
  CHECK_FALSE(survives([] {
    DirectoryBook book;
    book.put_llms(1, {llm_of("x", "g", 2)});
    const auto lease = book.acquire(request_of("p", "x"));
    book.release(*lease);
    book.release(*lease);
  }));
  CHECK_FALSE(survives([] { DirectoryBook{}.release(Lease{}); }));
}

TEST_CASE("directory: who asks again in line keeps one place, the new one", "[core][directory]") {
  DirectoryBook book;
  CHECK_FALSE(book.acquire(request_of("p", "x", background)));
  CHECK_FALSE(book.acquire(request_of("q", "x", workflow)));
  CHECK_FALSE(book.acquire(request_of("p", "x", interactive)));
  book.put_llms(1, {llm_of("x", "g", 3)});
  const auto grants = book.serve_line();
  REQUIRE(grants.size() == 2);
  CHECK(grants[0].requester == "p");
  CHECK(grants[1].requester == "q");
}

TEST_CASE("directory: one that has just failed is taken only when no other is there",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("x", "gx", 1, "pool")});
  book.put_llms(2, {llm_of("y", "gy", 1, "pool")});
  LeaseRequest request = request_of("p", "pool");
  request.avoid = {"x"};
  const auto lease = book.acquire(request);
  REQUIRE(lease);
  CHECK(lease->llm == "y");
  // The other one is busy, which is worth the wait.
  CHECK_FALSE(book.acquire(request));
  CHECK(book.serve_line().empty());
  book.remove_executor(2);
  const auto grants = book.serve_line();
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].lease.llm == "x");
}

TEST_CASE("directory: a backend known to be down runs only what accepts that",
          "[core][directory]") {
  DirectoryBook book;
  Llm down = llm_of("x", "g", 1);
  down.status = LlmStatus::inactive;
  book.put_llms(1, {down});
  LeaseRequest request = request_of("p", "x");
  CHECK_FALSE(book.acquire(request));
  request.accept_inactive = true;
  CHECK(book.acquire(request));
  Llm asleep = llm_of("z", "gz", 1);
  asleep.status = LlmStatus::hibernating;
  book.put_llms(2, {asleep});
  request.target = "z";
  CHECK_FALSE(book.acquire(request));
}

TEST_CASE("directory: set_status says whether anything changed and keeps the time of going",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("x", "g", 1)});
  CHECK_FALSE(book.set_status(1, LlmStatus::active, some_time));
  CHECK_FALSE(book.set_status(2, LlmStatus::inactive, some_time));
  CHECK(book.set_status(1, LlmStatus::inactive, some_time));
  CHECK(book.table().find("x")->inactive_since == some_time);
  CHECK(book.set_status(1, LlmStatus::active, some_time));
  CHECK(book.table().find("x")->inactive_since == WallTime{});
}

TEST_CASE("directory: capacities are those of live groups, each once, sorted",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", "z", 2, "pool"), llm_of("b", "z", 2, "pool")});
  book.put_llms(2, {llm_of("c", "m", 5, "pool"), llm_of("d", "m", 5)});
  Llm down = llm_of("e", "n", 7, "pool");
  down.status = LlmStatus::inactive;
  book.put_llms(3, {down});
  CHECK(book.capacities("pool") == CapacityList{{"m", 5}, {"z", 2}});
  CHECK(book.capacities("d") == CapacityList{{"m", 5}});
  CHECK(book.capacities("a").empty());
}

}  // namespace signalbox::test
