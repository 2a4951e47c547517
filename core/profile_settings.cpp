#include "core/profile_settings.hpp"

#include <array>
#include <string_view>

namespace signalbox {
namespace {

Error out_of_range(const char* field, const char* range) {
  return make_error(ErrorCode::invalid_request, std::string{field} + " must be " + range)
      .at_param(field);
}

// Written so that a NaN fails too.
bool is_budget(double seconds) { return seconds >= budget_s_min && seconds <= budget_s_max; }

constexpr std::array<std::string_view, 5> policy_names{"strict", "aging", "fair", "sjf", "swap"};
constexpr std::array<std::string_view, 1> policies_available{"strict"};

bool contains(const auto& names, std::string_view name) {
  for (const std::string_view each : names) {
    if (each == name) return true;
  }
  return false;
}

}  // namespace

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
  if (!contains(policy_names, settings.policy)) {
    return out_of_range("policy", "one of strict, aging, fair, sjf, swap");
  }
  if (!contains(policies_available, settings.policy)) {
    return make_error(ErrorCode::invalid_request,
                      "policy \"" + settings.policy + "\" is not in this version; \"strict\" is")
        .at_param("policy");
  }
  return std::nullopt;
}

}  // namespace signalbox
