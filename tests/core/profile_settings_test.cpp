// Goal: ranges hold to the last value, and the store's text form loses nothing and swallows no
// garbage. Method: both sides of each bound; round trips of edge and random values; golden text,
// since past forms must stay readable.
#include "core/admission/profile_settings.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

namespace signalbox::test {
namespace {

std::string param_at_fault(const ProfileSettings& settings) {
  const auto error = check(settings);
  if (!error) return {};
  CHECK(error->code == ErrorCode::invalid_request);
  CHECK_FALSE(error->message.empty());
  return error->param;
}

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("profile_settings: the defaults are those of A6 and pass", "[core][profile_settings]") {
  const ProfileSettings settings;
  CHECK_FALSE(settings.max_concurrent);
  CHECK(settings.max_queued == 32);
  CHECK(settings.default_queue_wait_s == 20);
  CHECK(settings.default_inference_s == 120);
  CHECK(settings.policy == "strict");
  CHECK_FALSE(settings.commit);
  CHECK(param_at_fault(settings).empty());
}

TEST_CASE("profile_settings: whole numbers are held to their ranges", "[core][profile_settings]") {
  ProfileSettings settings;
  for (const std::uint32_t good : {0U, 1U, 10'000U}) {
    settings.max_concurrent = good;
    CHECK(param_at_fault(settings).empty());
  }
  for (const std::uint32_t bad : {10'001U, 0xFFFF'FFFFU}) {
    settings.max_concurrent = bad;
    CHECK(param_at_fault(settings) == "max_concurrent");
  }
  settings.max_concurrent.reset();
  for (const std::uint32_t good : {0U, 100'000U}) {
    settings.max_queued = good;
    CHECK(param_at_fault(settings).empty());
  }
  for (const std::uint32_t bad : {100'001U, 0xFFFF'FFFFU}) {
    settings.max_queued = bad;
    CHECK(param_at_fault(settings) == "max_queued");
  }
}

TEST_CASE("profile_settings: budgets are held to their ranges, and what is no number fails",
          "[core][profile_settings]") {
  for (const double good : {0.001, 0.5, 20.0, 86'400.0}) {
    ProfileSettings settings;
    settings.default_queue_wait_s = good;
    settings.default_inference_s = good;
    CHECK(param_at_fault(settings).empty());
  }
  for (const double bad : {0.0, -0.0, -1.0, std::nextafter(0.001, 0), std::nextafter(86'400.0, 1e9),
                           1e300, infinity, -infinity, std::nan("")}) {
    INFO(bad);
    ProfileSettings queue;
    queue.default_queue_wait_s = bad;
    CHECK(param_at_fault(queue) == "default_queue_wait_s");
    ProfileSettings inference;
    inference.default_inference_s = bad;
    CHECK(param_at_fault(inference) == "default_inference_s");
  }
}

TEST_CASE("profile_settings: a policy is one of the known ones, to the letter",
          "[core][profile_settings]") {
  ProfileSettings settings;
  for (const auto* known : {"strict", "aging", "fair", "sjf", "swap"}) {
    settings.policy = known;
    CHECK(param_at_fault(settings).empty());
  }
  for (const auto* unknown : {"", "Strict", "strict ", "lifo"}) {
    settings.policy = unknown;
    CHECK(param_at_fault(settings) == "policy");
  }
}

TEST_CASE("profile_settings: options of policies are held to their ranges",
          "[core][profile_settings]") {
  const auto fault = [](auto change) {
    ProfileSettings settings;
    change(settings.policy_options);
    return param_at_fault(settings);
  };
  for (const double good : {0.0, 0.001, 60.0, 86'400.0}) {
    CHECK(fault([&](auto& options) { options.sjf_max_bypass_s = good; }).empty());
    CHECK(fault([&](auto& options) { options.swap_max_bypass_s = good; }).empty());
  }
  for (const double bad : {-0.001, std::nextafter(86'400.0, 1e9), infinity, std::nan("")}) {
    CHECK(fault([&](auto& options) { options.sjf_max_bypass_s = bad; }) == "sjf.max_bypass_s");
    CHECK(fault([&](auto& options) { options.swap_max_bypass_s = bad; }) == "swap.max_bypass_s");
  }
  for (const Priority priority : all_priorities) {
    const auto weigh = [&](std::uint32_t weight) {
      return fault([&](auto& options) { options.aging_weights[to_index(priority)] = weight; });
    };
    for (const std::uint32_t good : {1U, 1000U}) CHECK(weigh(good).empty());
    for (const std::uint32_t bad : {0U, 1001U}) {
      CHECK(weigh(bad) == "aging." + std::string{to_string(priority)});
    }
  }
  const auto weigh_owner = [&](const std::string& owner, std::uint32_t weight) {
    return fault([&](auto& options) { options.fair_weights[owner] = weight; });
  };
  CHECK(weigh_owner("team-a", 1).empty());
  CHECK(weigh_owner(std::string(128, 'x'), 1000).empty());
  for (const std::uint32_t bad : {0U, 1001U}) {
    CHECK(weigh_owner("team-a", bad) == "fair.weights.team-a");
  }
  for (const std::string& bad : {std::string{}, std::string{"a b"}, std::string(129, 'x')}) {
    CHECK(weigh_owner(bad, 1) == "fair.weights");
  }
  const auto weigh_many = [&](int owners) {
    return fault([&](auto& options) {
      for (int owner = 0; owner < owners; ++owner) options.fair_weights[std::to_string(owner)] = 2;
    });
  };
  CHECK(weigh_many(256).empty());
  CHECK(weigh_many(257) == "fair.weights");
  CHECK(fault([](auto& options) { options.background_trickle = 10'000; }).empty());
  CHECK(fault([](auto& options) { options.background_trickle = 10'001; }) == "background_trickle");
  CHECK(fault([](auto& options) { options.reserve_interactive = 10'000; }).empty());
  CHECK(fault([](auto& options) { options.reserve_interactive = 10'001; }) ==
        "reserve_interactive");
}

TEST_CASE("profile_settings: a reserve leaves the other classes a slot, where slots are counted",
          "[core][profile_settings]") {
  ProfileSettings settings;
  settings.policy_options.reserve_interactive = 2;
  settings.max_concurrent = 3;
  CHECK(param_at_fault(settings).empty());
  settings.max_concurrent = 2;
  CHECK(param_at_fault(settings) == "reserve_interactive");
  settings.max_concurrent = 0;
  CHECK(param_at_fault(settings).empty());
  settings.max_concurrent.reset();
  CHECK(param_at_fault(settings).empty());
}

TEST_CASE("profile_settings: options are stored where they are not the usual ones",
          "[core][profile_settings]") {
  ProfileSettings settings;
  settings.policy = "aging";
  settings.policy_options.reserve_interactive = 2;
  settings.policy_options.background_trickle = 10;
  settings.policy_options.aging_weights = {9, 3, 2};
  settings.policy_options.fair_weights = {{"team-b", 1000}, {"ann@x:y/z", 2}};
  settings.policy_options.sjf_max_bypass_s = 2.5;
  settings.policy_options.swap_max_bypass_s = 0;
  settings.policy_options.swap_hold_s = 1.5;
  settings.policy_options.swap_min_batch = 8;
  CHECK(encode(settings) ==
        "v1 max_queued=32 queue_wait_s=20 inference_s=120 policy=aging reserve_interactive=2 "
        "background_trickle=10 aging=9:3:2 fair_weights=ann@x:y/z=2,team-b=1000 "
        "sjf_max_bypass_s=2.5 swap_max_bypass_s=0 swap_hold_s=1.5 swap_min_batch=8");
  CHECK(decode_profile_settings(encode(settings)) == settings);
}

TEST_CASE("profile_settings: preemption is stored where it is not as usual",
          "[core][profile_settings]") {
  ProfileSettings settings;
  settings.preempt = Preempt::background;
  CHECK(encode(settings).ends_with(" policy=strict preempt=background"));
  CHECK(decode_profile_settings(encode(settings)) == settings);
  settings.preempt_budget = 1000;
  CHECK(encode(settings).ends_with(" preempt=background preempt_budget=1000"));
  CHECK(decode_profile_settings(encode(settings)) == settings);
  CHECK(param_at_fault(settings).empty());
  settings.preempt_budget = 1001;
  CHECK(param_at_fault(settings) == "preempt_budget");
  CHECK_FALSE(decode_profile_settings(encode(settings)));
}

TEST_CASE("profile_settings: slots are tuned between bounds, from where they are asked to begin",
          "[core][profile_settings]") {
  ProfileSettings settings;
  CHECK(settings.first_slots() == std::nullopt);
  CHECK(settings.most_slots() == std::nullopt);
  settings.tune_slots = SlotBounds{2, 32};
  CHECK(encode(settings).ends_with(" policy=strict tune_slots=2:32"));
  CHECK(decode_profile_settings(encode(settings)) == settings);
  CHECK(settings.first_slots() == 2U);
  CHECK(settings.most_slots() == 32U);
  settings.max_concurrent = 8;
  CHECK(settings.first_slots() == 8U);
  settings.max_concurrent = 40;
  CHECK(settings.first_slots() == 32U);
  CHECK(param_at_fault(settings).empty());
  settings.max_concurrent = 0;
  CHECK(settings.first_slots() == 0U);
  CHECK(settings.most_slots() == 0U);
  settings.policy_options.reserve_interactive = 2;
  CHECK(param_at_fault(settings) == "reserve_interactive");
  settings.policy_options.reserve_interactive = 1;
  CHECK(param_at_fault(settings).empty());
  for (const SlotBounds bad : {SlotBounds{0, 4}, SlotBounds{5, 4}}) {
    settings.tune_slots = bad;
    CHECK(param_at_fault(settings) == "tune_slots.min");
    CHECK_FALSE(decode_profile_settings(encode(settings)));
  }
  for (const SlotBounds bad : {SlotBounds{1, 0}, SlotBounds{1, 10'001}}) {
    settings.tune_slots = bad;
    CHECK(param_at_fault(settings) == "tune_slots.max");
  }
}

TEST_CASE("profile_settings: the stored text is what it was in version 1",
          "[core][profile_settings]") {
  ProfileSettings settings;
  CHECK(encode(settings) == "v1 max_queued=32 queue_wait_s=20 inference_s=120 policy=strict");
  settings.max_concurrent = 0;
  settings.default_queue_wait_s = 0.25;
  settings.commit = CommitMode::relaxed;
  CHECK(encode(settings) ==
        "v1 max_concurrent=0 max_queued=32 queue_wait_s=0.25 inference_s=120 policy=strict "
        "commit=relaxed");
  settings.commit = CommitMode::sync;
  CHECK(encode(settings).ends_with(" commit=sync"));
  CHECK(decode_profile_settings(encode(settings)) == settings);
}

TEST_CASE("profile_settings: whatever passes check comes back exactly from its text",
          "[core][profile_settings][random]") {
  std::mt19937_64 random{11};
  for (int count = 0; count < 5000; ++count) {
    ProfileSettings settings;
    if (random() % 2 == 0) settings.max_concurrent = static_cast<std::uint32_t>(random() % 10'001);
    settings.max_queued = static_cast<std::uint32_t>(random() % 100'001);
    // Full mantissas, which a rounding text form would not keep.
    settings.default_queue_wait_s = 0.001 + static_cast<double>(random() >> 11U) * 0x1p-53 * 86'000;
    settings.default_inference_s = 0.001 + static_cast<double>(random() >> 11U) * 0x1p-53;
    const auto commit = random() % 3;
    if (commit > 0) settings.commit = static_cast<CommitMode>(commit - 1);
    PolicyOptions& options = settings.policy_options;
    if (random() % 2 == 0) {
      options.background_trickle = static_cast<std::uint32_t>(random() % 10'001);
      for (auto& weight : options.aging_weights) {
        weight = static_cast<std::uint32_t>(1 + random() % 1000);
      }
      for (std::uint64_t owners = random() % 300; owners > 44; --owners) {
        options.fair_weights[std::to_string(random() % 100'000)] =
            static_cast<std::uint32_t>(1 + random() % 1000);
      }
      options.sjf_max_bypass_s = static_cast<double>(random() >> 11U) * 0x1p-53 * 86'400;
      options.swap_max_bypass_s = static_cast<double>(random() >> 11U) * 0x1p-53;
      options.swap_hold_s = static_cast<double>(random() >> 11U) * 0x1p-53 * 3'600;
      options.swap_min_batch = static_cast<std::uint32_t>(2 + random() % 9'999);
    }
    settings.preempt = static_cast<Preempt>(random() % 2);
    settings.preempt_budget = static_cast<std::uint32_t>(random() % 1001);
    if (random() % 2 == 0) {
      const auto min = static_cast<std::uint32_t>(1 + random() % 10'000);
      settings.tune_slots = SlotBounds{min, max_concurrent_max};
    }
    REQUIRE_FALSE(check(settings));
    REQUIRE(decode_profile_settings(encode(settings)) == settings);
  }
}

TEST_CASE("profile_settings: garbage is no settings", "[core][profile_settings]") {
  const std::string good = encode(ProfileSettings{});
  REQUIRE(decode_profile_settings(good));
  for (const std::string& bad : {std::string{},
                                 std::string{"v"},
                                 std::string{"v2"},
                                 std::string{"v1x"},
                                 "v2" + good.substr(2),
                                 good + " ",
                                 " " + good,
                                 good + "\n",
                                 good + " x=1",
                                 good + " max_queued",
                                 good + " =",
                                 good + " max_queued=",
                                 good + " max_queued=-1",
                                 good + " max_queued=+1",
                                 good + " max_queued=1.5",
                                 good + " max_queued=1x",
                                 good + " max_queued=99999999999",
                                 good + " max_queued=100001",
                                 good + " max_concurrent=10001",
                                 good + " queue_wait_s=nan",
                                 good + " inference_s=inf",
                                 good + " inference_s=0",
                                 good + " queue_wait_s=1e9",
                                 good + " queue_wait_s=0x10",
                                 good + " policy=lifo",
                                 good + " policy=",
                                 good + " aging=",
                                 good + " aging=4:2",
                                 good + " aging=4:2:0",
                                 good + " aging=4:2:1:1",
                                 good + " aging=4:2:1001",
                                 good + " fair_weights=",
                                 good + " fair_weights=a",
                                 good + " fair_weights=a=",
                                 good + " fair_weights=a=0",
                                 good + " fair_weights=a=1001",
                                 good + " fair_weights==1",
                                 good + " fair_weights=a=1,",
                                 good + " fair_weights=,a=1",
                                 good + " fair_weights=a=1,a=1",
                                 good + " fair_weights=a=1=1",
                                 good + " fair_weights=a!=1",
                                 good + " reserve_interactive=-1",
                                 good + " background_trickle=10001",
                                 good + " preempt=",
                                 good + " preempt=workflow",
                                 good + " preempt_budget=-1",
                                 good + " preempt_budget=1001",
                                 good + " tune_slots=",
                                 good + " tune_slots=4",
                                 good + " tune_slots=1:",
                                 good + " tune_slots=0:4",
                                 good + " tune_slots=1:4:8",
                                 good + " sjf_max_bypass_s=nan",
                                 good + " swap_max_bypass_s=86401",
                                 good + " swap_hold_s=-1",
                                 good + " swap_hold_s=3601",
                                 good + " swap_min_batch=1",
                                 std::string{"v1  max_queued=1"},
                                 good + '\0'}) {
    INFO(bad);
    CHECK_FALSE(decode_profile_settings(bad));
  }
}

TEST_CASE("profile_settings: a commit mode that encode never wrote is garbage too",
          "[core][profile_settings]") {
  const std::string good = encode(ProfileSettings{});
  for (const auto* word : {"", "Relaxed", "async", "1"}) {
    INFO(word);
    CHECK_FALSE(decode_profile_settings(good + " commit=" + word));
  }
}

}  // namespace signalbox::test
