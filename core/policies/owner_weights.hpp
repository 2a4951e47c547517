// Shares of owners under the policy `fair`: while both want it, an owner of weight 4 is served four
// times what one of weight 1 is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace signalbox {

/// By owner; who is not named has weight 1. Range: 1..1000.
using OwnerWeights = std::map<std::string, std::uint32_t, std::less<>>;

inline constexpr std::uint32_t owner_weight_max = 1'000;
/// Owners that may be named.
inline constexpr std::size_t owner_weights_max = 256;

/// Complexity: O(log n).
std::uint32_t weight_of(const OwnerWeights& weights, std::string_view owner);

/// @returns nothing when they are few enough, each in its range and of a name that an owner may
/// have, else `invalid_request` with the field in `param`.
std::optional<Error> check(const OwnerWeights& weights);

/// "team-a=4,team-b=2", for the store.
std::string encode_owner_weights(const OwnerWeights& weights);
/// @returns nothing when the text is not one that encode_owner_weights() ever made of some.
std::optional<OwnerWeights> decode_owner_weights(std::string_view text);

}  // namespace signalbox
