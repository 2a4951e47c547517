// Goal: capacity holds across everybody, nobody in line is forgotten, the least loaded is asked
// first. Method: every sequence of 6 events in a world of two executors, then long random walks in
// a bigger one, against plain lists (directory_model.hpp). As in the actor, each event is followed
// by serve_line().
#include <catch2/catch.hpp>
#include <functional>
#include <random>

#include "tests/core/directory_model.hpp"

namespace signalbox::test {
namespace {

using enum Priority;

Llm llm_of(std::string name, std::string pool, std::string group, std::uint32_t capacity) {
  Llm llm;
  llm.name = std::move(name);
  llm.model = "model of " + llm.name;
  llm.pool = std::move(pool);
  llm.group = std::move(group);
  llm.capacity = capacity;
  llm.status = LlmStatus::active;
  return llm;
}

LeaseRequest request_of(std::string requester, Priority priority,
                        std::vector<std::string> avoid = {}, bool accept_inactive = false) {
  return {std::move(requester), "pool", priority, std::move(avoid), accept_inactive};
}

struct Event {
  std::string name;
  /// @returns nothing when it cannot happen now, else what went wrong, empty when nothing did.
  std::function<std::optional<std::string>(DirectoryPair&)> run;
};

std::vector<Event> small_world() {
  const auto a = llm_of("a", "pool", "A", 1);
  const auto a_wide = llm_of("a", "pool", "A", 2);
  const auto b = llm_of("b", "pool", "B", 1);
  return {
      {"put a", [=](DirectoryPair& pair) { return pair.put(1, {a}); }},
      {"put a wider", [=](DirectoryPair& pair) { return pair.put(1, {a_wide}); }},
      {"put b", [=](DirectoryPair& pair) { return pair.put(2, {b}); }},
      {"remove a",
       [](DirectoryPair& pair) {
         pair.remove(1);
         return std::string{};
       }},
      {"a goes", [](DirectoryPair& pair) { return pair.set_status(1, LlmStatus::inactive); }},
      {"a comes", [](DirectoryPair& pair) { return pair.set_status(1, LlmStatus::active); }},
      {"background asks",
       [](DirectoryPair& pair) { return pair.acquire(request_of("r1", background)); }},
      {"interactive asks",
       [](DirectoryPair& pair) { return pair.acquire(request_of("r2", interactive)); }},
      {"one avoids a",
       [](DirectoryPair& pair) { return pair.acquire(request_of("r3", workflow, {"a"}, true)); }},
      {"background leaves",
       [](DirectoryPair& pair) {
         pair.withdraw("r1", "pool");
         return std::string{};
       }},
      {"oldest is released",
       [](DirectoryPair& pair) -> std::optional<std::string> {
         if (pair.model.out.empty()) return std::nullopt;
         pair.release(0);
         return std::string{};
       }},
  };
}

std::size_t explore(const std::vector<Event>& events, const DirectoryPair& before,
                    std::size_t depth, std::string& path) {
  if (depth == 0) return 1;
  std::size_t sequences = 0;
  for (const Event& event : events) {
    DirectoryPair after = before;
    auto fault = event.run(after);
    if (!fault) continue;
    const std::size_t length = path.size();
    path += ", " + event.name;
    if (fault->empty()) fault = after.serve_line();
    if (!fault->empty()) FAIL(*fault << "\n  after" << path);
    sequences += explore(events, after, depth - 1, path);
    path.resize(length);
  }
  return sequences;
}

}  // namespace

TEST_CASE("directory: every sequence of 6 events among two executors keeps to the oracle",
          "[core][directory][exhaustive]") {
  const auto events = small_world();
  // The first event is fixed: until somebody is there, nothing happens.
  DirectoryPair start;
  REQUIRE(start.put(1, {llm_of("a", "pool", "A", 1)}).empty());
  std::string path = " put a";
  CHECK(explore(events, start, 5, path) > 100'000);
}

TEST_CASE("directory: long random walks keep to the oracle", "[core][directory][random]") {
  const std::vector<std::string> names{"a", "b", "c", "d", "e"};
  const std::vector<std::string> pools{"", "pool", "other"};
  std::size_t leases = 0;
  std::size_t stood = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t bound) {
      return static_cast<std::uint32_t>(random() % bound);
    };
    DirectoryPair pair;
    for (int step = 0; step < 1500; ++step) {
      std::string fault;
      const auto executor = 1 + below(4);
      const auto dice = below(100);
      if (dice < 8) {
        // One group to an executor, as upstreams and workers have it; names meet those of other
        // executors.
        const auto capacity = below(4);
        std::vector<Llm> llms;
        for (const auto& name : names) {
          if (below(3) != 0) continue;
          llms.push_back(llm_of(name, pools[below(3)], "G" + std::to_string(executor), capacity));
          if (below(5) == 0) llms.back().status = LlmStatus::hibernating;
          if (below(3) == 0) llms.back().qualified_name = std::to_string(executor) + "/" + name;
        }
        fault = pair.put(executor, llms);
      } else if (dice < 10) {
        pair.remove(executor);
      } else if (dice < 18) {
        constexpr std::array statuses{LlmStatus::active, LlmStatus::active, LlmStatus::inactive,
                                      LlmStatus::hibernating};
        fault = pair.set_status(executor, statuses[below(4)]);
      } else if (dice < 60) {
        LeaseRequest request =
            request_of("r" + std::to_string(below(12)), all_priorities[below(3)]);
        request.target = below(3) == 0 ? names[below(5)] : pools[1 + below(2)];
        for (const auto& name : names) {
          if (below(6) == 0) request.avoid.push_back(name);
        }
        request.accept_inactive = below(4) == 0;
        const std::size_t out = pair.model.out.size();
        fault = pair.acquire(request);
        (pair.model.out.size() > out ? leases : stood) += 1;
      } else if (dice < 65) {
        pair.withdraw("r" + std::to_string(below(12)), below(2) == 0 ? "pool" : names[below(5)]);
      } else if (!pair.model.out.empty()) {
        pair.release(below(pair.model.out.size()));
      }
      if (fault.empty()) fault = pair.serve_line();
      if (!fault.empty()) FAIL("seed " << seed << " step " << step << ": " << fault);
    }
  }
  INFO(leases << " leases, " << stood << " stood in line");
  CHECK(leases > 2'000);
  CHECK(stood > 2'000);
}

}  // namespace signalbox::test
