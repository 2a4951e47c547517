// Goal: the directory gives leases as the pool's choice and the breakers say, and strands nobody.
// Method: one case per promise. Walks of directory and profiles together are in
// session_walk_test.
#include <catch2/catch.hpp>

#include "core/backends/directory.hpp"
#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using namespace std::chrono_literals;
using enum Priority;

Llm llm_of(std::string name, std::uint32_t capacity, std::string pool = "pool") {
  Llm llm;
  llm.name = std::move(name);
  llm.group = "group of " + llm.name;
  llm.capacity = capacity;
  llm.pool = std::move(pool);
  llm.status = LlmStatus::active;
  return llm;
}

LeaseRequest request_of(std::string requester, const std::vector<std::string>& sessions = {},
                        Instant since = at_s(0)) {
  LeaseRequest request;
  request.requester = std::move(requester);
  request.target = "pool";
  for (const std::string& session : sessions) request.sessions.push_back({session, since});
  return request;
}

/// Backends "a", "b", ... of one pool, each an executor of its own.
DirectoryBook book_of(const std::vector<std::uint32_t>& capacities) {
  DirectoryBook book;
  std::string name = "a";
  for (const std::uint32_t capacity : capacities) {
    book.put_llms(static_cast<ExecutorId>(name[0]), {llm_of(name, capacity)});
    ++name[0];
  }
  return book;
}

void fail_once(DirectoryBook& book, const Lease& lease) {
  book.release(lease, LeaseOutcome::failed);
}

/// Brings the breaker of `llm` from closed to open; others of the pool are taken out meanwhile.
void break_backend(DirectoryBook& book, const std::string& llm) {
  for (int failure = 0; failure < 5; ++failure) {
    LeaseRequest request = request_of("breaker");
    for (const Llm& each : book.table().llms) {
      if (each.name != llm) request.avoid.push_back(each.name);
    }
    const auto lease = book.acquire(request);
    REQUIRE(lease);
    REQUIRE(lease->llm == llm);
    fail_once(book, *lease);
  }
  REQUIRE(book.table().find(llm)->breaker == BreakerState::open);
}

}  // namespace

TEST_CASE("directory: a pool's choice is asked, and can be changed while calls run",
          "[core][directory][choice]") {
  DirectoryBook book = book_of({2, 2, 2});
  book.set_choice("pool", ChoiceKind::first_match);
  CHECK(book.acquire(request_of("p1"))->llm == "a");
  CHECK(book.acquire(request_of("p2"))->llm == "a");
  CHECK(book.acquire(request_of("p3"))->llm == "b");
  book.set_choice("pool", ChoiceKind::least_loaded);
  CHECK(book.acquire(request_of("p4"))->llm == "c");
  book.set_choice("pool", ChoiceKind::round_robin);
  CHECK(book.acquire(request_of("p5"))->llm == "b");
  CHECK(book.acquire(request_of("p6"))->llm == "c");
  CHECK_FALSE(book.acquire(request_of("p7")));
}

TEST_CASE("directory: only where sessions count does a lease belong to one",
          "[core][directory][choice]") {
  for (const ChoiceKind kind :
       {ChoiceKind::first_match, ChoiceKind::round_robin, ChoiceKind::least_loaded}) {
    DirectoryBook book = book_of({1});
    book.set_choice("pool", kind);
    const auto lease = book.acquire(request_of("p", {"s", "t"}));
    REQUIRE(lease);
    CHECK_FALSE(lease->session);
  }
  DirectoryBook book = book_of({2});
  book.set_choice("pool", ChoiceKind::affinity);
  CHECK(book.acquire(request_of("p", {"s", "t"}))->session == "s");
  CHECK(book.acquire(request_of("q"))->session == "");
}

TEST_CASE("directory: the lease is for the first session that need not wait",
          "[core][directory][choice]") {
  DirectoryBook book = book_of({1, 1});
  book.set_choice("pool", ChoiceKind::affinity);
  const auto first = book.acquire(request_of("p", {"s"}));
  REQUIRE(first);
  CHECK(first->llm == "a");
  // "s" waits for "a"; whoever comes behind it does not wait for "s".
  const auto second = book.acquire(request_of("p", {"s", "", "t"}));
  REQUIRE(second);
  CHECK(second->llm == "b");
  CHECK(second->session == "");
  CHECK_FALSE(book.acquire(request_of("p", {"s", "t"})));
  book.release(*second, LeaseOutcome::succeeded);
  auto grants = book.serve_line();
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].lease.llm == "b");
  CHECK(grants[0].lease.session == "t");
  CHECK_FALSE(book.acquire(request_of("p", {"s"})));
  book.release(grants[0].lease, LeaseOutcome::succeeded);
  CHECK(book.serve_line().empty());
  book.release(*first, LeaseOutcome::succeeded);
  grants = book.serve_line();
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].lease.llm == "a");
  CHECK(grants[0].lease.session == "s");
}

TEST_CASE("directory: a session that has waited long enough beside room goes there, and comes back",
          "[core][directory][choice]") {
  DirectoryBook book = book_of({1, 2});
  book.set_choice("pool", ChoiceKind::affinity);
  const auto pass = [&](Instant now) {
    book.pass_time(now);
    return book.serve_line();
  };
  pass(at_s(10));
  const auto home = book.acquire(request_of("p", {"s"}, at_s(10)));
  REQUIRE(home->llm == "a");
  SECTION("the time it has waited, and the time there was room, count both") {
    const auto [since, asked_at] =
        GENERATE(std::pair{at_s(20), at_s(20)}, std::pair{at_s(2), at_s(20)});
    pass(asked_at);
    REQUIRE_FALSE(book.acquire(request_of("p", {"s"}, since)));
    CHECK(book.next_serve_at() == asked_at + overflow_after);
    CHECK(pass(asked_at + overflow_after - 1ms).empty());
    const auto grants = pass(asked_at + overflow_after);
    REQUIRE(grants.size() == 1);
    CHECK(grants[0].lease.llm == "b");
    CHECK(grants[0].lease.session == "s");
    CHECK_FALSE(book.next_serve_at());
    // Who has waited as long goes at once, a new one waits.
    CHECK(book.acquire(request_of("p", {"s"}, since))->llm == "b");
    book.release(grants[0].lease);
    CHECK_FALSE(book.acquire(request_of("p", {"s"}, asked_at + overflow_after)));
    book.release(*home);
    const auto back = book.serve_line();
    REQUIRE(back.size() == 1);
    CHECK(back[0].lease.llm == "a");
  }
  SECTION("time without room does not count") {
    const auto one = book.acquire(request_of("q"));
    const auto other = book.acquire(request_of("q"));
    pass(at_s(20));
    REQUIRE_FALSE(book.acquire(request_of("p", {"s"}, at_s(20))));
    CHECK_FALSE(book.next_serve_at());
    pass(at_s(60));
    book.release(*one);
    CHECK(pass(at_s(60)).empty());
    CHECK(pass(at_s(64)).empty());
    // Full for a moment, and it counts anew.
    const auto third = book.acquire(request_of("q"));
    REQUIRE(third);
    book.release(*third);
    CHECK(pass(at_s(64)).empty());
    CHECK(pass(at_s(68)).empty());
    CHECK(book.next_serve_at() == at_s(69));
    CHECK(pass(at_s(69)).size() == 1);
    book.release(*other);
  }
  SECTION("its own takes a call now and then") {
    const auto rival = [&](Instant now) {
      book.release(*home);
      book.pass_time(now);
      REQUIRE(book.acquire(request_of("p", {"s"}, at_s(20)))->llm == "a");
    };
    pass(at_s(20));
    REQUIRE_FALSE(book.acquire(request_of("q", {"s"}, at_s(20))));
    pass(at_s(24));
    rival(at_s(24));
    CHECK(pass(at_s(25)).empty());
    CHECK(book.next_serve_at() == at_s(29));
    CHECK(pass(at_s(29)).size() == 1);
  }
  SECTION("not the first in line, but one that has waited") {
    pass(at_s(20));
    LeaseRequest request = request_of("p", {"s"}, at_s(24));
    const auto other = book.acquire(request_of("q", {"t"}, at_s(20)));
    REQUIRE(other->llm == "b");
    const auto rest = book.acquire(request_of("q"));
    request.sessions.push_back({"t", at_s(20)});
    REQUIRE_FALSE(book.acquire(request));
    book.release(*rest);
    const auto grants = book.serve_line();
    REQUIRE(grants.size() == 1);
    CHECK(grants[0].lease.session == "t");
  }
}

TEST_CASE("directory: a session whose backend goes is served by another at once",
          "[core][directory][choice]") {
  DirectoryBook book = book_of({1, 1});
  book.set_choice("pool", ChoiceKind::affinity);
  const auto held = book.acquire(request_of("p", {"s"}));
  REQUIRE(held->llm == "a");
  REQUIRE_FALSE(book.acquire(request_of("p", {"s"})));
  book.set_status(held->executor, LlmStatus::inactive, WallTime{1ms});
  const auto grants = book.serve_line();
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].lease.llm == "b");
  // It has moved: the first one's return changes nothing.
  book.set_status(held->executor, LlmStatus::active, WallTime{1ms});
  book.release(grants[0].lease, LeaseOutcome::succeeded);
  CHECK(book.acquire(request_of("p", {"s"}))->llm == "b");
}

TEST_CASE("directory: a broken backend is passed over while another is sound",
          "[core][directory][breaker]") {
  DirectoryBook book = book_of({4, 4});
  book.pass_time(at_s(100));
  break_backend(book, "a");
  CHECK(book.table().find("a")->failures == 5);
  CHECK(book.table().find("b")->breaker == BreakerState::closed);
  for (int call = 0; call < 4; ++call) CHECK(book.acquire(request_of("p"))->llm == "b");
  // A full one that is sound is worth the wait.
  CHECK_FALSE(book.acquire(request_of("p")));
}

TEST_CASE("directory: a breaker opens as its rules say", "[core][directory][breaker]") {
  DirectoryBook book = book_of({1});
  book.set_breaker_rules({.failures_to_open = 2});
  for (const BreakerState after : {BreakerState::closed, BreakerState::open}) {
    const auto lease = book.acquire(request_of("p"));
    REQUIRE(lease);
    fail_once(book, *lease);
    CHECK(book.table().find("a")->breaker == after);
  }
}

TEST_CASE("directory: a pool of broken backends goes on as if none were",
          "[core][directory][breaker]") {
  DirectoryBook book = book_of({1, 1});
  break_backend(book, "a");
  break_backend(book, "b");
  const auto first = book.acquire(request_of("p"));
  const auto second = book.acquire(request_of("q"));
  REQUIRE((first && second));
  CHECK(first->llm == "a");
  CHECK(second->llm == "b");
  CHECK_FALSE(book.acquire(request_of("r")));
  // Sent since it opened, so its success counts.
  book.release(*first, LeaseOutcome::succeeded);
  CHECK(book.table().find("a")->breaker == BreakerState::closed);
  CHECK(book.table().find("a")->failures == 0);
}

TEST_CASE("directory: after its time one probe goes to a broken backend, and decides",
          "[core][directory][breaker]") {
  DirectoryBook book = book_of({4, 4});
  book.pass_time(at_s(0));
  break_backend(book, "a");
  book.pass_time(at_s(10));
  CHECK(book.table().find("a")->breaker == BreakerState::half_open);
  const auto probe = book.acquire(request_of("p"));
  REQUIRE(probe->llm == "a");
  CHECK(book.acquire(request_of("p"))->llm == "b");
  CHECK(book.acquire(request_of("p"))->llm == "b");
  SECTION("a failure: twice as long") {
    book.release(*probe, LeaseOutcome::failed);
    book.pass_time(at_s(29));
    CHECK(book.table().find("a")->breaker == BreakerState::open);
    book.pass_time(at_s(30));
    CHECK(book.table().find("a")->breaker == BreakerState::half_open);
  }
  SECTION("a success: it is as the others") {
    book.release(*probe, LeaseOutcome::succeeded);
    CHECK(book.table().find("a")->breaker == BreakerState::closed);
    CHECK(book.acquire(request_of("p"))->llm == "a");
    CHECK(book.acquire(request_of("p"))->llm == "a");
  }
  SECTION("no answer: the next call is the probe") {
    book.release(*probe, LeaseOutcome::untold);
    CHECK(book.table().find("a")->breaker == BreakerState::half_open);
    CHECK(book.acquire(request_of("p"))->llm == "a");
    CHECK(book.acquire(request_of("p"))->llm == "b");
  }
}

TEST_CASE("directory: who waits beside a broken backend is served when its time is over",
          "[core][directory][breaker]") {
  DirectoryBook book = book_of({1, 1});
  book.pass_time(at_s(50));
  CHECK_FALSE(book.next_serve_at());
  break_backend(book, "b");
  // Nobody waits: nothing has to be timed.
  CHECK_FALSE(book.next_serve_at());
  REQUIRE(book.acquire(request_of("p"))->llm == "a");
  REQUIRE_FALSE(book.acquire(request_of("q")));
  CHECK(book.next_serve_at() == at_s(60));
  book.pass_time(at_s(60));
  const auto grants = book.serve_line();
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].lease.llm == "b");
  CHECK_FALSE(book.next_serve_at());
}

TEST_CASE("directory: a session leaves a broken backend and stays where it went",
          "[core][directory][breaker]") {
  DirectoryBook book = book_of({4, 4});
  book.set_choice("pool", ChoiceKind::affinity);
  book.pass_time(at_s(0));
  for (int call = 0; call < 5; ++call) {
    const auto lease = book.acquire(request_of("p", {"s"}));
    REQUIRE(lease->llm == "a");
    book.release(*lease, LeaseOutcome::failed);
  }
  CHECK(book.acquire(request_of("p", {"s"}))->llm == "b");
  book.pass_time(at_s(10));
  CHECK(book.acquire(request_of("p", {"s"}))->llm == "b");
}

TEST_CASE("directory: a model's breaker is its own, and goes with it",
          "[core][directory][breaker]") {
  DirectoryBook book;
  Llm x = llm_of("x", 4, "");
  Llm y = llm_of("y", 4, "");
  x.group = y.group = "server";
  book.put_llms(1, {x, y});
  LeaseRequest request = request_of("p");
  request.target = "x";
  for (int call = 0; call < 5; ++call) fail_once(book, *book.acquire(request));
  CHECK(book.table().find("x")->breaker == BreakerState::open);
  CHECK(book.table().find("y")->breaker == BreakerState::closed);
  // Said again by its server: what is known of it stays. Taken from the list: it goes.
  book.put_llms(1, {x, y});
  CHECK(book.table().find("x")->breaker == BreakerState::open);
  book.put_llms(1, {y});
  book.put_llms(1, {x, y});
  CHECK(book.table().find("x")->breaker == BreakerState::closed);
  // Another executor's model of that name has done nothing yet.
  for (int call = 0; call < 5; ++call) fail_once(book, *book.acquire(request));
  book.remove_executor(1);
  book.put_llms(2, {x});
  CHECK(book.table().find("x")->breaker == BreakerState::closed);
}

TEST_CASE("directory: pools are those that LLMs name and those that have a choice",
          "[core][directory][choice]") {
  DirectoryBook book = book_of({1, 1});
  book.put_llms(9, {llm_of("alone", 1, "")});
  book.set_choice("yet to come", ChoiceKind::round_robin);
  book.set_choice("pool", ChoiceKind::affinity);
  REQUIRE(book.acquire(request_of("p", {"s"})));
  auto pools = book.pools();
  REQUIRE(pools.size() == 2);
  CHECK(pools[0].name == "pool");
  CHECK(pools[0].choice == ChoiceKind::affinity);
  CHECK(pools[0].llms == std::vector<std::string>{"a", "b"});
  CHECK(pools[0].sessions == 1);
  CHECK(pools[1].name == "yet to come");
  CHECK(pools[1].choice == ChoiceKind::round_robin);
  CHECK(pools[1].llms.empty());
  book.set_default_choice(ChoiceKind::first_match);
  book.put_llms(10, {llm_of("x", 1, "new")});
  pools = book.pools();
  REQUIRE(pools.size() == 3);
  CHECK(pools[0].choice == ChoiceKind::first_match);
}

}  // namespace signalbox::test
