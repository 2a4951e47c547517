// Goal: owners of one class get service in tokens by their weights while they want it, and nobody
// saves up idle time. Method: random walks against plain counters; greedy owners of different sizes
// and weights; an owner who comes back; the largest costs there can be.
#include "core/policies/fair_policy.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "tests/core/fixtures.hpp"
#include "tests/core/policy_world.hpp"

namespace signalbox::test {
namespace {

/// Virtual token counters as the paper has them, over a plain list.
class FairOracle {
 public:
  explicit FairOracle(OwnerWeights weights) : x_weights{std::move(weights)} {}

  std::size_t pick(const std::vector<KnownCall>& waiting) {
    std::size_t best = 0;
    const auto rank = [&](const KnownCall& call) {
      return std::tuple{call.request.priority, x_costs[key(call)] + x_expected[key(call)],
                        call.sequence};
    };
    for (std::size_t index = 1; index < waiting.size(); ++index) {
      if (rank(waiting[index]) < rank(waiting[best])) best = index;
    }
    return best;
  }
  void enters(const KnownCall& call, const std::vector<KnownCall>& waiting) {
    std::optional<VirtualTokens> least;
    bool is_back = true;
    for (const KnownCall& other : waiting) {
      if (other.request.priority != call.request.priority) continue;
      if (key(other) == key(call)) is_back = false;
      const VirtualTokens cost = x_costs[key(other)];
      least = least ? std::min(*least, cost) : cost;
    }
    x_line.push_back(call);
    if (!is_back) return;
    VirtualTokens& cost = x_costs[key(call)];
    cost = std::max(cost, least.value_or(x_last_left[call.request.priority]));
  }
  void leaves(const KnownCall& call, bool is_granted) {
    std::erase_if(x_line, [&](const KnownCall& each) { return each.sequence == call.sequence; });
    if (is_granted) x_expected[key(call)] += expected(call);
    const bool is_last = std::none_of(x_line.begin(), x_line.end(),
                                      [&](const auto& each) { return key(each) == key(call); });
    if (is_last) x_last_left[call.request.priority] = x_costs[key(call)];
  }
  void ended(const KnownCall& call, const TokenUsage& usage) {
    const std::int64_t in = usage.in.value_or(call.request.size.tokens_in);
    const std::int64_t out = usage.out.value_or(call.predicted_out);
    x_costs[key(call)] += share(call, in + 2 * out);
    x_expected[key(call)] -= expected(call);
  }

 private:
  using Key = std::pair<Priority, std::string>;
  static Key key(const KnownCall& call) { return {call.request.priority, call.request.owner}; }
  [[nodiscard]] VirtualTokens share(const KnownCall& call, std::int64_t cost) const {
    const auto weight = x_weights.find(call.request.owner);
    return VirtualTokens{cost} * 720'720 / (weight == x_weights.end() ? 1 : weight->second);
  }
  [[nodiscard]] VirtualTokens expected(const KnownCall& call) const {
    return share(call, call.request.size.tokens_in + std::int64_t{2} * call.predicted_out);
  }
  OwnerWeights x_weights;
  std::map<Key, VirtualTokens> x_costs;
  std::map<Key, VirtualTokens> x_expected;
  std::map<Priority, VirtualTokens> x_last_left;
  std::vector<KnownCall> x_line;
};

PolicyOracle fair_oracle(const OwnerWeights& weights) {
  const auto state = std::make_shared<FairOracle>(weights);
  PolicyOracle oracle;
  oracle.pick = [state](const auto& waiting, Instant) { return state->pick(waiting); };
  oracle.enters = [state](const auto& call, const auto& waiting) { state->enters(call, waiting); };
  oracle.leaves = [state](const auto& call, bool is_granted) { state->leaves(call, is_granted); };
  oracle.ended = [state](const auto& call, const auto& usage) { state->ended(call, usage); };
  return oracle;
}

/// A profile of one class whose backend does exactly what was predicted.
struct Shop {
  explicit Shop(OwnerWeights weights = {})
      : scheduler{"p", policy_settings("fair", 1, {.fair_weights = std::move(weights)})} {}

  ProfileScheduler scheduler;
  std::map<std::string, std::int64_t> served = {};
  std::map<TaskId, WaiterRequest> waiting = {};
  std::uint64_t next = 1;

  void submit(const std::string& owner, std::uint32_t tokens_out) {
    WaiterRequest request;
    request.id = task_id(next++);
    request.owner = owner;
    request.size = {1, tokens_out};
    REQUIRE_FALSE(scheduler.reserve(request, at_s(1)));
    scheduler.enqueue(request.id);
    waiting[request.id] = request;
  }
  std::string serve() {
    std::vector<Lease> unused;
    scheduler.asks(at_s(1));
    const TaskId id = scheduler.settle(at_s(1), unused).at(0).id;
    const WaiterRequest request = waiting.at(id);
    waiting.erase(id);
    const std::uint32_t out = request.size.tokens_out_max;
    scheduler.remove(id, at_s(1), {1U, out});
    served[request.owner] += 1 + 2 * std::int64_t{out};
    return request.owner;
  }
};

}  // namespace

TEST_CASE("fair: the owner with the smallest counter, as the oracle counts",
          "[core][policy][fair]") {
  for (const bool reports : {false, true}) {
    for (const std::size_t owners : {1U, 2U, 6U}) {
      PolicyWorldOptions options;
      options.reports_usage = reports;
      options.owners = owners;
      for (const OwnerWeights& weights : {OwnerWeights{}, {{"k", 3}, {"m", 7}, {"n", 1000}}}) {
        walk_policy(
            policy_settings("fair", 3, {.fair_weights = weights}), options,
            [&] { return fair_oracle(weights); }, 25);
      }
    }
  }
}

TEST_CASE("fair: greedy owners get the same service, to the size of one call",
          "[core][policy][fair]") {
  Shop shop;
  constexpr std::uint32_t large = 500;
  for (int count = 0; count < 3; ++count) {
    for (const auto* owner : {"large", "small", "tiny"}) shop.submit(owner, 1);
  }
  for (int grant = 0; grant < 20'000; ++grant) {
    const std::string owner = shop.serve();
    shop.submit(owner, owner == "large" ? large : owner == "small" ? 40 : 3);
    std::int64_t most = 0;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const auto* each : {"large", "small", "tiny"}) {
      most = std::max(most, shop.served[each]);
      least = std::min(least, shop.served[each]);
    }
    REQUIRE(most - least <= token_cost(1, large));
  }
}

TEST_CASE("fair: greedy owners are served by their weights, to the size of one call",
          "[core][policy][fair]") {
  const std::map<std::string, std::uint32_t> sizes{{"one", 40}, {"three", 500}, {"thousand", 90}};
  Shop shop{{{"three", 3}, {"thousand", 1000}}};
  const std::map<std::string, std::int64_t> weights{{"one", 1}, {"three", 3}, {"thousand", 1000}};
  for (int count = 0; count < 3; ++count) {
    for (const auto& [owner, size] : sizes) shop.submit(owner, size);
  }
  for (int grant = 0; grant < 20'000; ++grant) {
    const std::string owner = shop.serve();
    shop.submit(owner, sizes.at(owner));
    // By one of his calls, each owner is as far as the others are; and by what rounding loses.
    for (const auto& [mine, weight] : weights) {
      for (const auto& [other, its_weight] : weights) {
        const std::int64_t ahead = shop.served[mine] * its_weight - shop.served[other] * weight;
        const std::int64_t lost = weight > 16 ? weight * (grant + 1) / virtual_tokens_per_token : 0;
        REQUIRE(ahead <= (token_cost(1, sizes.at(mine)) + lost) * its_weight);
      }
    }
  }
  CHECK(shop.served["one"] > 1'000);
}

TEST_CASE("fair: idle time is not saved up, whatever the weight", "[core][policy][fair]") {
  Shop shop{{{"late", 3}}};
  shop.submit("late", 10);
  CHECK(shop.serve() == "late");
  for (int count = 0; count < 300; ++count) shop.submit("busy", 10);
  for (int count = 0; count < 100; ++count) CHECK(shop.serve() == "busy");
  for (int count = 0; count < 100; ++count) shop.submit("late", 10);
  std::size_t late = 0;
  for (int count = 0; count < 80; ++count) late += shop.serve() == "late" ? 1U : 0U;
  // Three of four from here on, and nothing for the hundred it did not ask for.
  CHECK(late == 60);
}

TEST_CASE("fair: new weights hold from then on, for who waits as well", "[core][policy][fair]") {
  Shop shop;
  for (int count = 0; count < 200; ++count) {
    shop.submit("a", 10);
    shop.submit("b", 10);
  }
  const auto share_of_a = [&](int grants) {
    int served = 0;
    for (int count = 0; count < grants; ++count) served += shop.serve() == "a" ? 1 : 0;
    return served;
  };
  CHECK(share_of_a(40) == 20);
  shop.scheduler.reconfigure(policy_settings("fair", 1, {.fair_weights = {{"a", 4}}}));
  CHECK(share_of_a(100) == 80);
  shop.scheduler.reconfigure(policy_settings("fair", 1));
  CHECK(share_of_a(40) == 20);
}

TEST_CASE("fair: weights divide costs without a rest, or with less than a millionth of a token",
          "[core][policy][fair]") {
  for (std::uint32_t weight = 1; weight <= owner_weight_max; ++weight) {
    for (const std::int64_t cost : {std::int64_t{1}, std::int64_t{999'999'937}}) {
      const VirtualTokens lost =
          VirtualTokens{cost} * virtual_tokens_per_token - virtual_cost(cost, weight) * weight;
      REQUIRE(lost >= 0);
      REQUIRE(lost < weight);
      if (weight <= 16) REQUIRE(lost == 0);
    }
  }
}

TEST_CASE("fair: the dearest calls there can be do not overflow a counter",
          "[core][policy][fair]") {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  FairPolicy policy;
  WaiterView view;
  view.declared.tokens_in = most;
  view.predicted_out = most;
  const Lane lane{view.priority, 0, false};
  const std::vector<QueueHead> heads{{view.priority, 0, 1, &view, false}};
  VirtualTokens counted = 0;
  // 64 bits would be full after a thousand.
  for (int count = 0; count < 3'000; ++count) {
    policy.enter(lane, view);
    policy.granted(heads, 0);
    policy.leave(lane, view);
    policy.ended(view, {most, most});
    counted += VirtualTokens{3} * most * virtual_tokens_per_token;
    REQUIRE(policy.counter(view.priority, 0) == counted);
  }
  CHECK(counted > std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("fair: who comes back has saved up nothing, and owes what it owed",
          "[core][policy][fair]") {
  Shop shop;
  shop.submit("late", 10);
  CHECK(shop.serve() == "late");
  for (int count = 0; count < 200; ++count) shop.submit("busy", 10);
  for (int count = 0; count < 100; ++count) CHECK(shop.serve() == "busy");
  for (int count = 0; count < 100; ++count) shop.submit("late", 10);
  std::size_t late = 0;
  for (int count = 0; count < 50; ++count) late += shop.serve() == "late" ? 1U : 0U;
  CHECK(late == 25);
  // Who leaves with a debt finds it again while others wait.
  shop = Shop{};
  shop.submit("debtor", 1000);
  for (int count = 0; count < 200; ++count) shop.submit("other", 10);
  CHECK(shop.serve() == "debtor");
  shop.submit("debtor", 10);
  // 2,001 tokens to make up for, 21 a call.
  for (int count = 0; count < 96; ++count) REQUIRE(shop.serve() == "other");
  CHECK(shop.serve() == "debtor");
}

TEST_CASE("fair: nobody pays for what another only says it wants", "[core][policy][fair]") {
  Shop shop;
  shop.submit("bold", 100'000);
  std::vector<Lease> unused;
  shop.scheduler.asks(at_s(1));
  const TaskId first = shop.scheduler.settle(at_s(1), unused).at(0).id;
  for (int count = 0; count < 50; ++count) {
    shop.submit("modest", 10);
    shop.submit("bold", 10);
  }
  shop.scheduler.remove(first, at_s(1), {1U, 10U});
  std::size_t modest = 0;
  for (int count = 0; count < 40; ++count) modest += shop.serve() == "modest" ? 1U : 0U;
  CHECK(modest >= 20);
  CHECK(modest <= 21);
}

TEST_CASE("fair: an estimate is set right at the end", "[core][policy][fair]") {
  FairPolicy policy;
  WaiterView view;
  view.sequence = 1;
  view.declared.tokens_in = 10;
  view.predicted_out = 100;
  const Lane lane{view.priority, 0, false};
  policy.enter(lane, view);
  CHECK(policy.first(lane) == &view);
  const std::vector<QueueHead> heads{{view.priority, 0, 1, &view, false}};
  policy.granted(heads, policy.pick(heads, at_s(0)));
  policy.leave(lane, view);
  CHECK(policy.first(lane) == nullptr);
  CHECK(policy.counter(view.priority, 0) == 210 * virtual_tokens_per_token);
  SECTION("less was answered") {
    policy.ended(view, {12U, 4U});
    CHECK(policy.counter(view.priority, 0) == 20 * virtual_tokens_per_token);
  }
  SECTION("nobody says what was answered") {
    policy.ended(view, {});
    CHECK(policy.counter(view.priority, 0) == 210 * virtual_tokens_per_token);
  }
  SECTION("it came back with nothing") {
    policy.ended(view, {0U, 0U});
    CHECK(policy.counter(view.priority, 0) == 0);
  }
  SECTION("the number is another owner's") {
    policy.forget(0);
    CHECK(policy.counter(view.priority, 0) == 0);
  }
}

}  // namespace signalbox::test
