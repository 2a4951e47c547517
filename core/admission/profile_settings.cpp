#include "core/admission/profile_settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "core/base/read_number.hpp"

namespace signalbox {
namespace {

Error out_of_range(const char* field, const char* range) {
  return make_error(ErrorCode::invalid_request, std::string{field} + " must be " + range)
      .at_param(field);
}

// Written so that a NaN fails too.
bool is_budget(double seconds) {
  return seconds >= budget_s_min && seconds <= budget_s_max;
}

constexpr std::array<std::string_view, 5> policy_names{"strict", "aging", "fair", "sjf", "swap"};

// Locale-free and exact both ways, unlike std::to_string.
template <class Number>
std::string to_text(Number number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

// "4:2:1", by class.
bool read_weights(std::string_view text, std::array<std::uint32_t, priority_count>& weights) {
  for (std::size_t index = 0; index < priority_count; ++index) {
    const bool is_last = index + 1 == priority_count;
    const std::size_t end = is_last ? text.size() : text.find(':');
    if (end == std::string_view::npos || !read_number(text.substr(0, end), weights[index])) {
      return false;
    }
    text.remove_prefix(is_last ? end : end + 1);
  }
  return true;
}

// Options are written when they are not the usual ones: a store that never had any can be read by
// versions that know none.
std::string encode(const PolicyOptions& options) {
  const PolicyOptions usual;
  std::string text;
  if (options.reserve_interactive != usual.reserve_interactive) {
    text += " reserve_interactive=" + to_text(options.reserve_interactive);
  }
  if (options.background_trickle != usual.background_trickle) {
    text += " background_trickle=" + to_text(options.background_trickle);
  }
  if (options.aging_weights != usual.aging_weights) {
    const auto& [interactive, workflow, background] = options.aging_weights;
    text += " aging=" + to_text(interactive) + ":" + to_text(workflow) + ":" + to_text(background);
  }
  if (!options.fair_weights.empty())
    text += " fair_weights=" + encode_owner_weights(options.fair_weights);
  if (options.sjf_max_bypass_s != usual.sjf_max_bypass_s) {
    text += " sjf_max_bypass_s=" + to_text(options.sjf_max_bypass_s);
  }
  if (options.swap_max_bypass_s != usual.swap_max_bypass_s) {
    text += " swap_max_bypass_s=" + to_text(options.swap_max_bypass_s);
  }
  if (options.swap_hold_s != usual.swap_hold_s) {
    text += " swap_hold_s=" + to_text(options.swap_hold_s);
  }
  if (options.swap_min_batch != usual.swap_min_batch) {
    text += " swap_min_batch=" + to_text(options.swap_min_batch);
  }
  return text;
}

std::string encode(Preempt preempt, std::uint32_t budget) {
  const ProfileSettings usual;
  std::string text;
  if (preempt != usual.preempt) text += " preempt=" + std::string{to_string(preempt)};
  if (budget != usual.preempt_budget) text += " preempt_budget=" + to_text(budget);
  return text;
}

std::string encode(const SlotBounds& bounds) {
  return " tune_slots=" + to_text(bounds.min) + ":" + to_text(bounds.max);
}

// "1:32"
bool read_bounds(std::string_view text, SlotBounds& bounds) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && read_number(text.substr(0, colon), bounds.min) &&
         read_number(text.substr(colon + 1), bounds.max);
}

bool read_owner_weights(std::string_view text, OwnerWeights& weights) {
  auto read = decode_owner_weights(text);
  if (read) weights = std::move(*read);
  return read.has_value();
}

bool read_field(std::string_view name, std::string_view value, ProfileSettings& settings) {
  if (name == "max_concurrent") return read_number(value, settings.max_concurrent.emplace());
  if (name == "max_queued") return read_number(value, settings.max_queued);
  if (name == "queue_wait_s") return read_number(value, settings.default_queue_wait_s);
  if (name == "inference_s") return read_number(value, settings.default_inference_s);
  if (name == "commit") {
    settings.commit = value == "relaxed" ? CommitMode::relaxed : CommitMode::sync;
    return value == "relaxed" || value == "sync";
  }
  if (name == "preempt") {
    const auto preempt = parse_preempt(value);
    settings.preempt = preempt.value_or(Preempt::none);
    return preempt.has_value();
  }
  if (name == "preempt_budget") return read_number(value, settings.preempt_budget);
  if (name == "tune_slots") return read_bounds(value, settings.tune_slots.emplace());
  PolicyOptions& options = settings.policy_options;
  if (name == "reserve_interactive") return read_number(value, options.reserve_interactive);
  if (name == "background_trickle") return read_number(value, options.background_trickle);
  if (name == "aging") return read_weights(value, options.aging_weights);
  if (name == "fair_weights") return read_owner_weights(value, options.fair_weights);
  if (name == "sjf_max_bypass_s") return read_number(value, options.sjf_max_bypass_s);
  if (name == "swap_max_bypass_s") return read_number(value, options.swap_max_bypass_s);
  if (name == "swap_hold_s") return read_number(value, options.swap_hold_s);
  if (name == "swap_min_batch") return read_number(value, options.swap_min_batch);
  if (name != "policy") return false;
  settings.policy = value;
  return true;
}

}  // namespace

std::string_view to_string(Preempt preempt) {
  return preempt == Preempt::background ? "background" : "none";
}

std::optional<Preempt> parse_preempt(std::string_view word) {
  for (const Preempt preempt : {Preempt::none, Preempt::background}) {
    if (to_string(preempt) == word) return preempt;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ProfileSettings::first_slots() const {
  // 0 slots is a pause, whatever the bounds.
  if (!tune_slots || max_concurrent == 0U) return max_concurrent;
  return std::clamp(max_concurrent.value_or(0), tune_slots->min, tune_slots->max);
}

std::optional<std::uint32_t> ProfileSettings::most_slots() const {
  if (!tune_slots || max_concurrent == 0U) return max_concurrent;
  return tune_slots->max;
}

std::string encode(const ProfileSettings& settings) {
  std::string text = "v1";
  if (settings.max_concurrent) text += " max_concurrent=" + to_text(*settings.max_concurrent);
  text += " max_queued=" + to_text(settings.max_queued);
  text += " queue_wait_s=" + to_text(settings.default_queue_wait_s);
  text += " inference_s=" + to_text(settings.default_inference_s);
  text += " policy=" + settings.policy;
  if (settings.commit)
    text += *settings.commit == CommitMode::sync ? " commit=sync" : " commit=relaxed";
  text += encode(settings.policy_options);
  text += encode(settings.preempt, settings.preempt_budget);
  if (settings.tune_slots) text += encode(*settings.tune_slots);
  return text;
}

std::optional<ProfileSettings> decode_profile_settings(std::string_view text) {
  if (!text.starts_with("v1")) return std::nullopt;
  text.remove_prefix(2);
  ProfileSettings settings;
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
    const std::string_view field = text.substr(0, text.find(' '));
    text.remove_prefix(field.size());
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    if (!read_field(field.substr(0, equals), field.substr(equals + 1), settings)) {
      return std::nullopt;
    }
  }
  if (!text.empty() || check(settings)) return std::nullopt;
  return settings;
}

std::optional<Error> check(const ProfileSettings& settings) {
  if (settings.max_concurrent && *settings.max_concurrent > max_concurrent_max) {
    return out_of_range("max_concurrent", "a whole number from 0 to 10000");
  }
  if (settings.max_queued > max_queued_max) {
    return out_of_range("max_queued", "a whole number from 0 to 100000");
  }
  if (!is_budget(settings.default_queue_wait_s)) {
    return out_of_range("default_queue_wait_s", "from 0.001 to 86400 seconds");
  }
  if (!is_budget(settings.default_inference_s)) {
    return out_of_range("default_inference_s", "from 0.001 to 86400 seconds");
  }
  if (std::find(policy_names.begin(), policy_names.end(), settings.policy) == policy_names.end()) {
    return out_of_range("policy", "one of strict, aging, fair, sjf, swap");
  }
  if (settings.preempt_budget > preempt_budget_max) {
    return out_of_range("preempt_budget", "a whole number from 0 to 1000");
  }
  if (auto error = check(settings.policy_options)) return error;
  if (settings.tune_slots) {
    const auto& [min, max] = *settings.tune_slots;
    if (max < 1 || max > max_concurrent_max) {
      return out_of_range("tune_slots.max", "a whole number from 1 to 10000");
    }
    if (min < 1 || min > max) return out_of_range("tune_slots.min", "from 1 to tune_slots.max");
  }
  const std::uint32_t reserve = settings.policy_options.reserve_interactive;
  if (settings.tune_slots && reserve >= settings.tune_slots->min) {
    return out_of_range("reserve_interactive", "less than tune_slots.min");
  }
  // 0 slots is a pause, which may end as it began.
  const bool is_paused = settings.max_concurrent == 0U;
  const bool is_fixed = settings.max_concurrent && !settings.tune_slots;
  if (is_fixed && !is_paused && reserve >= *settings.max_concurrent) {
    return out_of_range("reserve_interactive", "less than max_concurrent");
  }
  return std::nullopt;
}

}  // namespace signalbox
