// Goal: with `hold_s`, a backend does not load another model for a few calls at once, and never
// waits longer for more of them than it was told, nor with anything else it could do. Method: one
// GPU with room for one call, driven by hand; then by chance, with every idle moment looked at.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "core/admission/profile_scheduler.hpp"
#include "tests/core/fixtures.hpp"
#include "tests/core/policy_world.hpp"

namespace signalbox::test {

namespace {

using namespace std::chrono_literals;

PolicyOptions held(double hold_s, std::uint32_t min_batch = 3, double max_bypass_s = 1000) {
  PolicyOptions options;
  options.swap_hold_s = hold_s;
  options.swap_min_batch = min_batch;
  options.swap_max_bypass_s = max_bypass_s;
  return options;
}

/// A GPU that takes one call at once, of one model after the other.
class Gpu {
 public:
  explicit Gpu(const PolicyOptions& options, std::vector<std::string> models = {"a", "b", "c"})
      : x_scheduler{"p", policy_settings("swap", 1, options)} {
    for (const std::string& model : models) x_scheduler.set_capacity(model, {{"gpu", 1}});
  }

  std::uint64_t submit(const std::string& model, Priority priority = Priority::workflow) {
    WaiterRequest request;
    request.id = task_id(++x_next);
    request.target = model;
    request.priority = priority;
    REQUIRE_FALSE(x_scheduler.reserve(request, x_now));
    x_scheduler.enqueue(request.id);
    x_waiting.emplace(x_next, Call{model, priority, x_now});
    pump();
    return x_next;
  }
  void end() {
    REQUIRE(x_running != 0);
    REQUIRE(x_scheduler.remove(task_id(std::exchange(x_running, 0)), x_now));
    pump();
  }
  void run(const std::string& model) {
    submit(model);
    end();
  }
  void pass(Duration time) {
    const Instant until = x_now + time;
    while (x_scheduler.next_deadline() && *x_scheduler.next_deadline() <= until) {
      x_now = std::max(x_now, *x_scheduler.next_deadline());
      CHECK(x_scheduler.expire(x_now).empty());
      pump();
    }
    x_now = until;
  }
  void reconfigure(const PolicyOptions& options) {
    x_scheduler.reconfigure(policy_settings("swap", 1, options));
    pump();
  }

  struct Call {
    std::string model;
    Priority priority = Priority::workflow;
    Instant since{};
  };
  /// 0 = nobody.
  [[nodiscard]] std::uint64_t running() const { return x_running; }
  [[nodiscard]] const std::map<std::uint64_t, Call>& waiting() const { return x_waiting; }
  [[nodiscard]] const std::string& loaded() const { return x_loaded; }
  [[nodiscard]] std::size_t loads() const { return x_loads; }
  [[nodiscard]] Instant now() const { return x_now; }
  [[nodiscard]] std::optional<Duration> wakes_in() const {
    const auto at = x_scheduler.next_deadline();
    return at ? std::optional{*at - x_now} : std::nullopt;
  }

 private:
  void pump() {
    std::vector<AskForLease> asks;
    std::vector<Grant> grants;
    do {
      asks = x_scheduler.asks(x_now);
      std::vector<Lease> unused;
      grants = x_scheduler.settle(x_now, unused);
      for (const Grant& grant : grants) take(grant);
      CHECK(unused.empty());
      for (const AskForLease& ask : asks) {
        Lease lease;
        lease.llm = ask.target;
        lease.group = "gpu";
        lease.number = ++x_leases;
        x_scheduler.lease_granted(ask.target, lease);
      }
    } while (!grants.empty() || !asks.empty());
  }
  void take(const Grant& grant) {
    REQUIRE(x_running == 0);
    x_running = number_of(grant.id);
    if (std::exchange(x_loaded, grant.lease.llm) != grant.lease.llm) ++x_loads;
    x_waiting.erase(x_running);
  }

  ProfileScheduler x_scheduler;
  Instant x_now{1s};
  std::uint64_t x_next = 0;
  std::uint32_t x_leases = 0;
  std::uint64_t x_running = 0;
  std::map<std::uint64_t, Call> x_waiting;
  std::string x_loaded;
  std::size_t x_loads = 0;
};

}  // namespace

TEST_CASE("swap hold: another model's call waits for more, and no longer than told",
          "[core][policy][swap]") {
  Gpu gpu{held(10)};
  gpu.run("a");
  const auto call = gpu.submit("b");
  CHECK(gpu.running() == 0);
  CHECK(gpu.wakes_in() == 10s);
  gpu.pass(9s);
  CHECK(gpu.running() == 0);
  gpu.pass(1s);
  CHECK(gpu.running() == call);
  CHECK_FALSE(gpu.wakes_in());
}

TEST_CASE("swap hold: a batch that is large enough goes at once", "[core][policy][swap]") {
  Gpu gpu{held(10, 3)};
  gpu.run("a");
  const auto first = gpu.submit("b");
  gpu.submit("b");
  CHECK(gpu.running() == 0);
  gpu.submit("b");
  CHECK(gpu.running() == first);
}

TEST_CASE("swap hold: calls of all classes are of one batch", "[core][policy][swap]") {
  Gpu gpu{held(10, 2)};
  gpu.run("a");
  gpu.submit("b", Priority::background);
  CHECK(gpu.running() == 0);
  const auto call = gpu.submit("b");
  CHECK(gpu.running() == call);
}

TEST_CASE("swap hold: meanwhile the loaded model's calls go", "[core][policy][swap]") {
  Gpu gpu{held(10)};
  gpu.run("a");
  const auto other = gpu.submit("b");
  for (int call = 0; call < 5; ++call) {
    gpu.pass(1s);
    const auto mine = gpu.submit("a");
    CHECK(gpu.running() == mine);
    gpu.end();
  }
  CHECK(gpu.loads() == 1);
  gpu.pass(5s);
  CHECK(gpu.running() == other);
}

TEST_CASE("swap hold: a worse class goes past nobody meanwhile", "[core][policy][swap]") {
  Gpu gpu{held(10)};
  gpu.run("a");
  const auto call = gpu.submit("b");
  gpu.submit("a", Priority::background);
  CHECK(gpu.running() == 0);
  gpu.pass(10s);
  CHECK(gpu.running() == call);
}

TEST_CASE("swap hold: time in line behind others counts", "[core][policy][swap]") {
  Gpu gpu{held(10)};
  gpu.submit("a");
  const auto call = gpu.submit("b");
  gpu.pass(7s);
  gpu.end();
  CHECK(gpu.running() == 0);
  CHECK(gpu.wakes_in() == 3s);
  gpu.pass(3s);
  CHECK(gpu.running() == call);
}

TEST_CASE("swap hold: a full batch passes one that is still small", "[core][policy][swap]") {
  Gpu gpu{held(10, 2)};
  gpu.run("a");
  const auto small = gpu.submit("b");
  const auto first = gpu.submit("c");
  CHECK(gpu.running() == 0);
  gpu.submit("c");
  CHECK(gpu.running() == first);
  gpu.end();
  gpu.end();
  CHECK(gpu.running() == 0);
  gpu.pass(10s);
  CHECK(gpu.running() == small);
}

TEST_CASE("swap hold: nobody is held who sits at a keyboard, or for whom nothing is unloaded",
          "[core][policy][swap]") {
  Gpu gpu{held(10)};
  const auto first = gpu.submit("a");
  CHECK(gpu.running() == first);
  gpu.end();
  const auto call = gpu.submit("b", Priority::interactive);
  CHECK(gpu.running() == call);
  // Nor is what waits for one that is held any more.
  gpu.end();
  gpu.submit("a");
  CHECK(gpu.running() == 0);
  const auto keyboard = gpu.submit("c", Priority::interactive);
  CHECK(gpu.running() == keyboard);
}

TEST_CASE("swap hold: who may be passed no more is held no more", "[core][policy][swap]") {
  Gpu gpu{held(10, 3, 4)};
  gpu.run("a");
  const auto call = gpu.submit("b");
  CHECK(gpu.wakes_in() == 4s);
  gpu.pass(4s);
  CHECK(gpu.running() == call);
}

TEST_CASE("swap hold: is off unless asked for, and ends when it is turned off",
          "[core][policy][swap]") {
  Gpu usual{PolicyOptions{}};
  usual.run("a");
  const auto other = usual.submit("b");
  CHECK(usual.running() == other);

  Gpu gpu{held(10)};
  gpu.run("a");
  const auto call = gpu.submit("b");
  CHECK(gpu.running() == 0);
  gpu.reconfigure(held(0));
  CHECK(gpu.running() == call);
}

TEST_CASE("swap hold: no idle moment but for a batch, none longer than told, and fewer loads",
          "[core][policy][swap][random]") {
  std::size_t held_loads = 0;
  std::size_t plain_loads = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    for (const double hold_s : {0.0, 5.0}) {
      std::mt19937_64 random{seed};
      Gpu gpu{held(hold_s, 3, 60)};
      const Duration hold = from_seconds(hold_s);
      const auto look = [&] {
        if (gpu.running() != 0 || gpu.waiting().empty()) return;
        Priority best = Priority::background;
        for (const auto& [number, call] : gpu.waiting()) best = std::min(best, call.priority);
        for (const auto& [number, call] : gpu.waiting()) {
          // Who is behind one that is held waits as well.
          if (call.priority != best) continue;
          REQUIRE(call.priority != Priority::interactive);
          REQUIRE(call.model != gpu.loaded());
          REQUIRE(gpu.now() - call.since < hold);
          const auto batch = std::count_if(
              gpu.waiting().begin(), gpu.waiting().end(),
              [&, model = call.model](const auto& each) { return each.second.model == model; });
          REQUIRE(batch < 3);
        }
        REQUIRE(gpu.wakes_in());
      };
      for (int step = 0; step < 400; ++step) {
        gpu.pass(std::chrono::milliseconds{random() % 1500});
        const std::string model(1, static_cast<char>('a' + random() % 3));
        const Priority priority = all_priorities[random() % 20 == 0 ? 0 : 1 + random() % 2];
        const bool comes = random() % 2 == 0;
        if (comes && gpu.waiting().size() < 20) gpu.submit(model, priority);
        if (!comes && gpu.running() != 0) gpu.end();
        look();
      }
      while (gpu.running() != 0 || !gpu.waiting().empty()) {
        if (gpu.running() != 0) gpu.end();
        look();
        gpu.pass(1s);
      }
      (hold_s > 0 ? held_loads : plain_loads) += gpu.loads();
    }
  }
  INFO(plain_loads << " loads, " << held_loads << " when held");
  CHECK(10 * held_loads < 9 * plain_loads);
}

}  // namespace signalbox::test
