// Goal: the shortest predicted call of the best class is next, until somebody has been passed for
// too long. Method: random walks against a searched list; a long call among short ones for ever.
#include "core/policies/shortest_job_policy.hpp"

#include <catch2/catch.hpp>

#include "tests/core/fixtures.hpp"
#include "tests/core/policy_world.hpp"

namespace signalbox::test {

using namespace std::chrono_literals;

namespace {

PolicyOracle shortest_oracle(Duration max_bypass) {
  PolicyOracle oracle;
  oracle.pick = [max_bypass](const std::vector<KnownCall>& waiting, Instant now) {
    const auto comes_before = [&](const KnownCall& left, const KnownCall& right) {
      if (left.request.priority != right.request.priority) {
        return left.request.priority < right.request.priority;
      }
      const bool is_left_overdue = now - left.enqueued_at >= max_bypass;
      const bool is_right_overdue = now - right.enqueued_at >= max_bypass;
      if (is_left_overdue != is_right_overdue) return is_left_overdue;
      const auto work = [](const KnownCall& call) {
        return call.request.size.tokens_in + 16ULL * call.predicted_out;
      };
      if (is_left_overdue || work(left) == work(right)) return left.sequence < right.sequence;
      return work(left) < work(right);
    };
    std::size_t best = 0;
    for (std::size_t index = 1; index < waiting.size(); ++index) {
      if (comes_before(waiting[index], waiting[best])) best = index;
    }
    return best;
  };
  return oracle;
}

}  // namespace

TEST_CASE("sjf: the shortest predicted call of the best class, unless one is overdue",
          "[core][policy][sjf]") {
  for (const double bypass_s : {0.0, 3.0, 10.0, 86'400.0}) {
    for (const bool reports : {false, true}) {
      PolicyWorldOptions options;
      options.reports_usage = reports;
      walk_policy(
          policy_settings("sjf", 3, {.sjf_max_bypass_s = bypass_s}), options,
          [&] { return shortest_oracle(from_seconds(bypass_s)); }, 20);
    }
  }
}

TEST_CASE("sjf: a long call is passed by short ones until it is overdue, and no longer",
          "[core][policy][sjf]") {
  for (const int bypass_s : {5, 30}) {
    ProfileScheduler scheduler{
        "p", policy_settings("sjf", 1, {.sjf_max_bypass_s = static_cast<double>(bypass_s)})};
    std::uint64_t next = 1;
    const auto submit = [&](std::uint32_t tokens_out_max, Instant now) {
      WaiterRequest request;
      request.id = task_id(next++);
      request.size = {10, tokens_out_max};
      REQUIRE_FALSE(scheduler.reserve(request, now));
      scheduler.enqueue(request.id);
      return request.id;
    };
    Instant now = at_s(1);
    TaskId running = submit(1, now);
    const TaskId patient = submit(5000, now);
    std::vector<Lease> unused;
    scheduler.asks(now);
    REQUIRE(scheduler.settle(now, unused).at(0).id == running);
    for (int second = 1; running != patient; ++second) {
      REQUIRE(second < 100);
      now += 1s;
      submit(1, now);
      scheduler.remove(running, now);
      scheduler.asks(now);
      running = scheduler.settle(now, unused).at(0).id;
      CHECK((running == patient) == (second == bypass_s));
    }
  }
}

TEST_CASE("sjf: an answer's token weighs sixteen of a prompt's", "[core][policy][sjf]") {
  WaiterView view;
  view.declared.tokens_in = 7;
  view.predicted_out = 3;
  CHECK(predicted_work(view) == 7 + 48);
  view.declared.tokens_in = 0xFFFF'FFFF;
  view.predicted_out = 0xFFFF'FFFF;
  CHECK(predicted_work(view) == 17 * 0xFFFF'FFFFULL);
}

}  // namespace signalbox::test
