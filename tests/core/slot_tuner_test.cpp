// Goal: the tuner comes to the number of slots at which a server gets most done, from any start and
// without overshooting for long, follows a server that changes, and concludes nothing where nobody
// needs the slots. Method: a small server whose calls share its speed, by rules whose best number
// is plain; then the search alone, against curves.
#include "core/admission/slot_tuner.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <random>
#include <vector>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {

namespace {

using Curve = std::function<std::int64_t(std::int64_t)>;

/// How long a call takes beside `calls` - 1 others, of 1,000 alone: up to `knee` of them cost each
/// other 5 %, every further one 40 %.
Curve knee_at(std::int64_t knee) {
  return [knee](std::int64_t calls) {
    return 1000 + 50 * (calls - 1) + 400 * std::max<std::int64_t>(0, calls - knee);
  };
}

struct DeskOptions {
  bool reports_tokens = true;
  /// All calls are alike.
  bool is_even = false;
  /// Runs no longer than that.
  Duration patience = std::chrono::hours{24};
};

/// A line in front of a server; all calls that run advance at one speed.
class Desk {
 public:
  Desk(SlotBounds bounds, std::uint32_t start, Curve curve, DeskOptions options = {})
      : x_tuner{bounds, start, 0}, x_curve{std::move(curve)}, x_options{options} {}

  /// `ends` calls end while `demand` want to run.
  void serve(int ends, std::uint32_t demand = 1'000'000) {
    for (int end = 0; end < ends; ++end) {
      while (x_running.size() < std::min(x_tuner.slots(), demand)) begin();
      end_next();
    }
  }
  void change(Curve curve) { x_curve = std::move(curve); }

  [[nodiscard]] std::uint32_t slots() const { return x_tuner.slots(); }
  [[nodiscard]] std::uint32_t most_slots() const { return x_most; }
  /// @returns what the server gets done while the next `ends` calls end, as a share of what it
  /// would with `best` slots all the time.
  double share_of(std::uint32_t best, int ends) {
    double time = 0;
    for (int end = 0; end < ends; ++end) {
      serve(1);
      time += time_per_call(x_tuner.slots());
    }
    return ends * time_per_call(best) / time;
  }

 private:
  struct Call {
    TaskId id;
    Instant began_at;
    /// ns alone, what is left and all of it.
    std::int64_t left = 0;
    std::int64_t work = 0;
  };

  [[nodiscard]] double time_per_call(std::uint32_t slots) const {
    return static_cast<double>(x_curve(slots)) / slots;
  }
  void begin() {
    // Exponential enough: a sum of coins would be too even.
    const std::int64_t tokens = x_options.is_even ? 200 : draw_tokens();
    const std::int64_t work = 100'000'000 + 20'000'000 * tokens;
    x_running.push_back({task_id(++x_next), x_now, work, tokens});
    x_tuner.began(x_running.back().id, x_now);
    x_most = std::max(x_most, x_tuner.slots());
  }
  std::int64_t draw_tokens() {
    std::int64_t tokens = 1;
    while (x_random() % 200 != 0 && tokens < 2000) ++tokens;
    return tokens;
  }
  void end_next() {
    const auto calls = static_cast<std::int64_t>(x_running.size());
    const std::int64_t stretch = x_curve(calls);
    auto next = x_running.begin();
    const auto ends_in = [&](const Call& call) {
      const std::int64_t until_done = call.left / 1000 * stretch + 1;
      return std::min(until_done, (call.began_at + x_options.patience - x_now).count());
    };
    for (auto call = x_running.begin(); call != x_running.end(); ++call) {
      if (ends_in(*call) < ends_in(*next)) next = call;
    }
    const std::int64_t passed = std::max<std::int64_t>(ends_in(*next), 0);
    x_now += Duration{passed};
    for (Call& call : x_running) call.left -= passed * 1000 / stretch;
    RunUsage usage;
    usage.is_done = next->left <= 1'000'000;
    if (usage.is_done && x_options.reports_tokens) {
      usage.tokens = {10U, static_cast<std::uint32_t>(next->work)};
    }
    x_tuner.ended(next->id, x_now, usage);
    x_running.erase(next);
  }

  SlotTuner x_tuner;
  Curve x_curve;
  DeskOptions x_options;
  std::mt19937_64 x_random{1};
  std::vector<Call> x_running;
  Instant x_now{std::chrono::seconds{1}};
  std::uint64_t x_next = 0;
  std::uint32_t x_most = 0;
};

}  // namespace

TEST_CASE("slot_tuner: finds the knee from below, from above and from its side",
          "[core][slot_tuner]") {
  for (const std::uint32_t start : {1U, 3U, 7U, 8U, 9U, 20U, 32U}) {
    for (const std::int64_t knee : {3, 4, 5, 8, 13, 32}) {
      Desk desk{{1, 32}, start, knee_at(knee)};
      desk.serve(400);
      INFO("from " << start << " to " << knee);
      CHECK(desk.share_of(static_cast<std::uint32_t>(knee), 1000) > 0.93);
    }
  }
}

TEST_CASE("slot_tuner: calls without tokens are counted, which takes more of them",
          "[core][slot_tuner]") {
  Desk desk{{1, 32}, 1, knee_at(8), {.reports_tokens = false}};
  desk.serve(6000);
  CHECK(desk.share_of(8, 10'000) > 0.85);
}

TEST_CASE("slot_tuner: goes from one slot to eight within a hundred calls", "[core][slot_tuner]") {
  Desk desk{{1, 32}, 1, knee_at(8)};
  int ends = 0;
  while (desk.slots() < 8 && ends < 1000) {
    desk.serve(1);
    ++ends;
  }
  CHECK(ends <= 100);
  // No step more than doubles what has proved to be good.
  desk.serve(1000);
  CHECK(desk.most_slots() == 16);
}

TEST_CASE("slot_tuner: follows a server that gets worse, and one that gets better",
          "[core][slot_tuner]") {
  Desk desk{{1, 32}, 8, knee_at(8)};
  desk.serve(1000);
  desk.change(knee_at(3));
  desk.serve(500);
  CHECK(desk.share_of(3, 1000) > 0.93);
  desk.change(knee_at(16));
  desk.serve(3000);
  CHECK(desk.share_of(16, 1000) > 0.93);
}

TEST_CASE("slot_tuner: a server that is indifferent is left with few slots", "[core][slot_tuner]") {
  // Twice the calls take twice the time.
  Desk desk{{1, 32}, 32, [](std::int64_t calls) { return 1000 * calls; }};
  desk.serve(3000);
  CHECK(desk.slots() <= 2);
}

TEST_CASE("slot_tuner: a server that never slows down gets all that it may", "[core][slot_tuner]") {
  Desk desk{{1, 32}, 1, [](std::int64_t) { return 1000; }};
  desk.serve(1000);
  CHECK(desk.share_of(32, 1000) > 0.93);
}

TEST_CASE("slot_tuner: slots that nobody needs are left as they are", "[core][slot_tuner]") {
  for (const std::uint32_t demand : {1U, 4U, 7U}) {
    Desk desk{{1, 32}, 8, knee_at(3)};
    desk.serve(2000, demand);
    CHECK(desk.slots() == 8);
    CHECK(desk.most_slots() == 8);
  }
}

TEST_CASE("slot_tuner: a probe that nobody fills is given up", "[core][slot_tuner]") {
  Desk desk{{1, 32}, 8, knee_at(16)};
  desk.serve(60, 8);
  // It tries more, and all the while there are eight callers.
  REQUIRE(desk.most_slots() > 8);
  desk.serve(200, 8);
  CHECK(desk.slots() >= 7);
  int above = 0;
  for (int end = 0; end < 1000; ++end) {
    desk.serve(1, 8);
    if (desk.slots() > 8) ++above;
  }
  CHECK(above < 500);
}

TEST_CASE("slot_tuner: calls that all run out of time drive it down", "[core][slot_tuner]") {
  // 200 tokens take 4.1 s alone and 53 s beside 31 others.
  Desk desk{{1, 32}, 32, knee_at(4), {.is_even = true, .patience = std::chrono::seconds{10}}};
  desk.serve(1000);
  CHECK(desk.share_of(4, 1000) > 0.93);
}

TEST_CASE("slot_tuner: stays within its bounds", "[core][slot_tuner]") {
  Desk low{{2, 5}, 1, knee_at(8)};
  CHECK(low.slots() == 2);
  low.serve(2000);
  CHECK(low.slots() >= 4);
  CHECK(low.most_slots() == 5);
  Desk high{{12, 20}, 40, knee_at(8)};
  CHECK(high.slots() == 20);
  high.serve(500);
  CHECK(high.share_of(12, 1000) > 0.93);
  Desk fixed{{6, 6}, 6, knee_at(2)};
  fixed.serve(500);
  CHECK(fixed.slots() == 6);
}

TEST_CASE("slot_tuner: learns nothing from calls that it did not see begin, or that went back",
          "[core][slot_tuner]") {
  SlotTuner tuner{{1, 8}, 2, 2};
  for (std::uint64_t call = 1; call <= 2; ++call) {
    tuner.ended(task_id(call), at_s(static_cast<int>(call)), RunUsage{{1U, 100U}, true});
  }
  for (std::uint64_t call = 3; call < 200; call += 2) {
    tuner.began(task_id(call), at_s(static_cast<int>(call)));
    tuner.began(task_id(call + 1), at_s(static_cast<int>(call)));
    tuner.ended(task_id(call), at_s(static_cast<int>(call + 1)), std::nullopt);
    tuner.ended(task_id(call + 1), at_s(static_cast<int>(call + 1)), std::nullopt);
  }
  CHECK(tuner.slots() == 2);
}

TEST_CASE("slot_search: tries every number at most once between two rests", "[core][slot_tuner]") {
  for (std::uint32_t best = 1; best <= 40; ++best) {
    for (std::uint32_t start = 1; start <= 40; start += 3) {
      SlotSearch search{{1, 40}, start};
      const auto rate_at = [&](std::uint32_t slots) {
        return slots <= best
                   ? WorkRate{100 * std::int64_t{slots}, 1000}
                   : WorkRate{100 * std::int64_t{best} * best, 1000 * std::int64_t{slots}};
      };
      int measurements = 0;
      do {
        search.measured(rate_at(search.slots()));
        ++measurements;
      } while (search.is_probing());
      INFO("best " << best << ", start " << start);
      CHECK(search.slots() == best);
      CHECK(measurements <= 20);
    }
  }
}

TEST_CASE("slot_search: rests longer while nothing is better, and no longer than 64 times",
          "[core][slot_tuner]") {
  SlotSearch search{{1, 9}, 4};
  const auto rate_at = [](std::uint32_t slots) { return WorkRate{slots == 4 ? 1000 : 500, 1000}; };
  std::vector<int> rests;
  for (int turn = 0; turn < 10; ++turn) {
    while (search.is_probing() || turn == 0) {
      search.measured(rate_at(search.slots()));
      if (turn == 0 && !search.is_probing()) break;
    }
    int rest = 0;
    do {
      search.measured(rate_at(4));
      ++rest;
    } while (!search.is_probing());
    rests.push_back(rest);
  }
  CHECK(rests == std::vector<int>{1, 2, 4, 8, 16, 32, 64, 64, 64, 64});
}

TEST_CASE("work_rate: the error of a rate is that of its calls", "[core][slot_tuner]") {
  RateSample even;
  for (int call = 1; call <= 100; ++call) even.add(10 * call, 7 * call);
  CHECK(even.squared_error() == 0);
  CHECK(even.rate() == WorkRate{50'500, 35'350});
  // One unit of work each, in times that are exponential: the mean of 400 is 5 % off.
  RateSample uneven;
  std::mt19937_64 random{1};
  for (int call = 0; call < 400; ++call) {
    std::int64_t time = 1;
    while (random() % 1000 != 0) ++time;
    uneven.add(1, time);
  }
  const auto error = static_cast<double>(uneven.squared_error()) / (0x1p20 * 0x1p20);
  CHECK(error == Approx(0.0025).epsilon(0.2));
  RateSample idle;
  for (int call = 0; call < 8; ++call) idle.add(0, 100);
  CHECK(idle.squared_error() == 0);
  CHECK(relative_difference({0, 5}, {0, 7}) == 0);
  CHECK(relative_difference({3, 2}, {1, 1}) == rate_unit / 2);
  CHECK(relative_difference({1, 2}, {1, 1}) == rate_unit / 2);
  CHECK(relative_difference({1, 2}, {0, 1}) > rate_unit);
  // The largest of all fit.
  RateSample large;
  for (std::size_t call = 0; call < RateSample::size_max; ++call) {
    large.add(RateSample::work_max + 5, call % 2 == 0 ? RateSample::time_max + 5 : 1);
  }
  CHECK(large.squared_error() > 0);
  CHECK(relative_difference(large.rate(), {1, 1}) <= rate_unit);
}

}  // namespace signalbox::test
