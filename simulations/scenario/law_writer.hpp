// Laws of a scenario as YAML text, the other way round than law_reader.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "simulations/scenario/scenario.hpp"
#include "simulations/scenario/yaml_text.hpp"

namespace signalbox::sim {

/// Of times. Unit: ns.
FlowMap time_law(const Law& law);

std::string service_text(const ServiceLaw& service);
std::string token_law_text(const Law& law);
std::string act_text(const ActLaw& act);
std::string retry_text(const RetryLaw& retry);

/// @param share of one. Unit: 1/1,000.
std::string share_text(std::uint32_t share);

/// Nothing without a time.
void add_optional_time(FlowMap& map, std::string_view key, const std::optional<Duration>& time);

}  // namespace signalbox::sim
