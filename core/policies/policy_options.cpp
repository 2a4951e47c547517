#include "core/policies/policy_options.hpp"

namespace signalbox {
namespace {

Error out_of_range(const std::string& field, const char* range) {
  return make_error(ErrorCode::invalid_request, field + " must be " + range).at_param(field);
}

// Written so that a NaN fails too.
bool is_bypass(double seconds) {
  return seconds >= 0 && seconds <= max_bypass_s_max;
}

}  // namespace

void PolicyOptionsChange::apply_to(PolicyOptions& options) const {
  if (reserve_interactive) options.reserve_interactive = *reserve_interactive;
  if (background_trickle) options.background_trickle = *background_trickle;
  for (std::size_t index = 0; index < priority_count; ++index) {
    if (aging_weights[index]) options.aging_weights[index] = *aging_weights[index];
  }
  if (fair_weights) options.fair_weights = *fair_weights;
  if (sjf_max_bypass_s) options.sjf_max_bypass_s = *sjf_max_bypass_s;
  if (swap_max_bypass_s) options.swap_max_bypass_s = *swap_max_bypass_s;
  if (swap_hold_s) options.swap_hold_s = *swap_hold_s;
  if (swap_min_batch) options.swap_min_batch = *swap_min_batch;
}

std::optional<Error> check(const PolicyOptions& options) {
  if (options.reserve_interactive > 10'000) {
    return out_of_range("reserve_interactive", "a whole number from 0 to 10000");
  }
  if (options.background_trickle > background_trickle_max) {
    return out_of_range("background_trickle", "a whole number from 0 to 10000");
  }
  for (const Priority priority : all_priorities) {
    const std::uint32_t weight = options.aging_weights[to_index(priority)];
    if (weight >= 1 && weight <= aging_weight_max) continue;
    return out_of_range("aging." + std::string{to_string(priority)},
                        "a whole number from 1 to 1000");
  }
  if (auto error = check(options.fair_weights)) return error;
  if (!is_bypass(options.sjf_max_bypass_s)) {
    return out_of_range("sjf.max_bypass_s", "from 0 to 86400 seconds");
  }
  if (!is_bypass(options.swap_max_bypass_s)) {
    return out_of_range("swap.max_bypass_s", "from 0 to 86400 seconds");
  }
  const bool is_hold = options.swap_hold_s >= 0 && options.swap_hold_s <= hold_s_max;
  if (!is_hold) return out_of_range("swap.hold_s", "from 0 to 3600 seconds");
  if (options.swap_min_batch < min_batch_min || options.swap_min_batch > min_batch_max) {
    return out_of_range("swap.min_batch", "a whole number from 2 to 10000");
  }
  return std::nullopt;
}

}  // namespace signalbox
