// Goal: sleepers are woken once for all who wait, names go over as the contract says, and nobody
// stands in a line that leads nowhere. Method: one case per promise.
#include <catch2/catch.hpp>

#include "core/backends/directory.hpp"
#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using enum Priority;

Llm llm_of(std::string name, LlmStatus status, std::string pool = {}) {
  Llm llm;
  llm.name = std::move(name);
  llm.group = llm.name;
  llm.kind = LlmKind::worker;
  llm.pool = std::move(pool);
  llm.status = status;
  return llm;
}

LeaseRequest request_of(std::string requester, std::string target) {
  LeaseRequest request;
  request.requester = std::move(requester);
  request.target = std::move(target);
  return request;
}

std::vector<std::string> named(const std::vector<WakeOrder>& orders) {
  std::vector<std::string> names;
  for (const WakeOrder& order : orders) names.push_back(order.llm);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("directory: one sleeper of a pool is woken, once", "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", LlmStatus::hibernating, "pool"),
                    llm_of("b", LlmStatus::hibernating, "pool")});
  CHECK(book.wakes().empty());
  CHECK_FALSE(book.acquire(request_of("p", "pool")));
  CHECK(named(book.wakes()) == Names{"a"});
  CHECK_FALSE(book.acquire(request_of("q", "pool")));
  CHECK(book.wakes().empty());
  book.put_llms(
      1, {llm_of("a", LlmStatus::active, "pool"), llm_of("b", LlmStatus::hibernating, "pool")});
  CHECK(book.serve_line().size() == 1);
  // One is awake: the other waits for it.
  CHECK(book.wakes().empty());
}

TEST_CASE("directory: nobody is woken beside one who is awake, or by nobody's wish",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", LlmStatus::active, "pool")});
  book.put_llms(2, {llm_of("b", LlmStatus::hibernating, "pool")});
  const auto lease = book.acquire(request_of("p", "pool"));
  REQUIRE(lease);
  CHECK_FALSE(book.acquire(request_of("q", "pool")));
  CHECK(book.wakes().empty());
  book.remove_executor(1);
  CHECK(book.serve_line().empty());
  CHECK(named(book.wakes()) == Names{"b"});
  book.release(*lease);
}

TEST_CASE("directory: a failed wake refuses who waits, and is repeated only when asked",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", LlmStatus::hibernating)});
  CHECK_FALSE(book.acquire(request_of("p", "a")));
  REQUIRE(named(book.wakes()) == Names{"a"});
  const auto refusals = book.wake_failed("a");
  REQUIRE(refusals.size() == 1);
  CHECK(refusals.front().requester == "p");
  CHECK(refusals.front().target == "a");
  CHECK(book.serve_line().empty());
  CHECK(book.wakes().empty());
  SECTION("by the same") {
    CHECK_FALSE(book.acquire(request_of("p", "a")));
    CHECK(named(book.wakes()) == Names{"a"});
  }
  SECTION("by another") {
    CHECK_FALSE(book.acquire(request_of("q", "a")));
    CHECK(named(book.wakes()) == Names{"a"});
    CHECK(book.wake_failed("a").size() == 2);
  }
  SECTION("when it comes anew") {
    book.put_llms(1, {llm_of("a", LlmStatus::inactive)});
    CHECK(book.wakes().empty());
    book.put_llms(1, {llm_of("a", LlmStatus::hibernating)});
    CHECK(named(book.wakes()) == Names{"a"});
  }
  SECTION("and who is refused is served all the same") {
    book.put_llms(1, {llm_of("a", LlmStatus::active)});
    CHECK(book.serve_line().size() == 1);
  }
}

TEST_CASE("directory: a failed wake harms nobody whom another can serve", "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", LlmStatus::hibernating, "pool")});
  CHECK_FALSE(book.acquire(request_of("p", "pool")));
  REQUIRE(named(book.wakes()) == Names{"a"});
  book.put_llms(2, {llm_of("b", LlmStatus::active, "pool")});
  CHECK(book.wake_failed("a").empty());
  CHECK(book.serve_line().size() == 1);
  CHECK(book.wake_failed("unknown").empty());
}

TEST_CASE("directory: a sleeper that goes while it is woken is woken again when it is back",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", LlmStatus::hibernating)});
  CHECK_FALSE(book.acquire(request_of("p", "a")));
  REQUIRE(named(book.wakes()) == Names{"a"});
  SECTION("for good") {
    book.remove_executor(1);
  }
  SECTION("for a while") {
    book.put_llms(1, {llm_of("a", LlmStatus::inactive)});
  }
  SECTION("or takes nothing more") {
    Llm draining = llm_of("a", LlmStatus::hibernating);
    draining.is_open = false;
    book.put_llms(1, {draining});
  }
  CHECK(book.wakes().empty());
  book.put_llms(1, {llm_of("a", LlmStatus::hibernating)});
  CHECK(named(book.wakes()) == Names{"a"});
}

TEST_CASE("directory: a worker's name goes over only while its session is away",
          "[core][directory]") {
  DirectoryBook book;
  Llm upstream = llm_of("up", LlmStatus::inactive);
  upstream.kind = LlmKind::upstream;
  book.put_llms(1, {upstream});
  CHECK(book.claim_llms(2, {llm_of("a", LlmStatus::active)}, true).refused.empty());
  const std::vector wished{llm_of("a", LlmStatus::active), llm_of("b", LlmStatus::active)};
  CHECK(book.claim_llms(3, wished, true).refused == Names{"a"});
  CHECK(book.table().find("b") == nullptr);
  CHECK(book.claim_llms(3, wished, false).refused == Names{"a"});
  CHECK(book.table().find("b")->executor == 3);
  // An upstream's is its own even while it is down.
  CHECK(book.claim_llms(3, {llm_of("up", LlmStatus::active)}, true).refused == Names{"up"});
  book.claim_llms(2, {llm_of("a", LlmStatus::inactive)}, false);
  CHECK(book.claim_llms(3, wished, true).refused.empty());
  CHECK(book.table().find("a")->executor == 3);
  CHECK(book.table().llms.size() == 3);
  CHECK(book.claim_llms(2, {llm_of("a", LlmStatus::inactive)}, false).refused == Names{"a"});
}

TEST_CASE("directory: others are those that could serve, now or later", "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", LlmStatus::active, "pool")});
  LeaseRequest request = request_of("p", "pool");
  request.only_others = true;
  CHECK(book.has_other(request));
  request.avoid = {"a"};
  CHECK_FALSE(book.has_other(request));
  const auto status = GENERATE(LlmStatus::active, LlmStatus::hibernating, LlmStatus::inactive);
  book.put_llms(2, {llm_of("b", status, "pool")});
  CHECK(book.has_other(request) == (status != LlmStatus::inactive));
}

TEST_CASE("directory: who wants others only leaves the line when there are none any more",
          "[core][directory]") {
  DirectoryBook book;
  book.put_llms(1, {llm_of("a", LlmStatus::active, "pool")});
  book.put_llms(2, {llm_of("b", LlmStatus::active, "pool")});
  LeaseRequest busy = request_of("busy", "pool");
  busy.avoid = {"a"};
  const auto lease = book.acquire(busy);
  REQUIRE(lease);
  LeaseRequest request = request_of("p", "pool");
  request.avoid = {"a"};
  request.only_others = true;
  CHECK_FALSE(book.acquire(request));
  CHECK(book.take_hopeless().empty());
  book.remove_executor(2);
  CHECK(book.serve_line().empty());
  const auto hopeless = book.take_hopeless();
  REQUIRE(hopeless.size() == 1);
  CHECK(hopeless.front().requester == "p");
  CHECK(book.take_hopeless().empty());
  book.release(*lease);
}

TEST_CASE("directory: a going executor counts for what still runs on it", "[core][directory]") {
  DirectoryBook book;
  Llm a = llm_of("a", LlmStatus::active, "pool");
  a.capacity = 3;
  book.put_llms(1, {a});
  const auto first = book.acquire(request_of("p", "pool"));
  const auto second = book.acquire(request_of("p", "pool"));
  REQUIRE(second);
  CHECK(book.capacities("pool") == CapacityList{{"a", 3}});
  a.is_open = false;
  book.put_llms(1, {a});
  CHECK(book.capacities("pool") == CapacityList{{"a", 2}});
  CHECK(book.release(*first));
  CHECK(book.capacities("pool") == CapacityList{{"a", 1}});
  CHECK(book.release(*second));
  CHECK(book.capacities("pool").empty());
}

}  // namespace signalbox::test
