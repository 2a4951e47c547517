#include "core/policies/owner_weights.hpp"

#include "core/base/name.hpp"
#include "core/base/read_number.hpp"

namespace signalbox {

std::uint32_t weight_of(const OwnerWeights& weights, std::string_view owner) {
  const auto place = weights.find(owner);
  return place == weights.end() ? 1 : place->second;
}

std::optional<Error> check(const OwnerWeights& weights) {
  if (weights.size() > owner_weights_max) {
    return invalid_request("fair.weights must name at most 256 owners", "fair.weights");
  }
  for (const auto& [owner, weight] : weights) {
    if (!is_valid_name(owner)) {
      return invalid_request("fair.weights: an owner's name is 1-128 of [A-Za-z0-9._:/@+-]",
                             "fair.weights");
    }
    if (weight >= 1 && weight <= owner_weight_max) continue;
    const std::string field = "fair.weights." + owner;
    return invalid_request(field + " must be a whole number from 1 to 1000", field);
  }
  return std::nullopt;
}

// No name has a comma or an equals sign.
std::string encode_owner_weights(const OwnerWeights& weights) {
  std::string text;
  for (const auto& [owner, weight] : weights) {
    text += (text.empty() ? "" : ",") + owner + "=" + std::to_string(weight);
  }
  return text;
}

std::optional<OwnerWeights> decode_owner_weights(std::string_view text) {
  OwnerWeights weights;
  while (true) {
    const std::string_view item = text.substr(0, text.find(','));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    std::uint32_t weight = 0;
    if (!read_number(item.substr(equals + 1), weight)) return std::nullopt;
    if (!weights.emplace(item.substr(0, equals), weight).second) return std::nullopt;
    if (item.size() == text.size()) break;
    text.remove_prefix(item.size() + 1);
  }
  if (check(weights)) return std::nullopt;
  return weights;
}

}  // namespace signalbox
