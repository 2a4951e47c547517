#include "core/policies/size_predictor.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace signalbox {
namespace {

constexpr OwnerIndex every_owner = std::numeric_limits<OwnerIndex>::max();
constexpr std::int64_t token_unit = 256;
constexpr std::int64_t share_unit = 65536;

void move_mean(std::int64_t& mean, bool& has_mean, std::int64_t value) {
  mean = has_mean ? mean + (value - mean) / 8 : value;
  has_mean = true;
}

std::uint32_t to_tokens(std::int64_t value, std::int64_t unit) {
  const std::int64_t tokens = (value + unit / 2) / unit;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(tokens, 1, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

const SizePredictor::Means* SizePredictor::find(const Key& key) const {
  const auto place = x_means.find(key);
  return place == x_means.end() ? nullptr : &place->second;
}

std::uint32_t SizePredictor::predict(OwnerIndex owner, TargetIndex target,
                                     CallSize declared) const {
  for (const OwnerIndex whose : {owner, every_owner}) {
    const Means* means = find({whose, target});
    if (means == nullptr) continue;
    if (declared.tokens_out_max > 0 && means->has_share) {
      return to_tokens(declared.tokens_out_max * means->share, share_unit);
    }
    if (declared.tokens_out_max == 0 && means->has_tokens_out) {
      return to_tokens(means->tokens_out, token_unit);
    }
  }
  return declared.tokens_out_max > 0 ? declared.tokens_out_max : assumed_tokens_out;
}

void SizePredictor::learn(OwnerIndex owner, TargetIndex target, CallSize declared,
                          std::uint32_t tokens_out) {
  learn_one({owner, target}, declared, tokens_out);
  learn_one({every_owner, target}, declared, tokens_out);
  if (x_means.size() > predictions_kept) make_room();
}

void SizePredictor::learn_one(const Key& key, CallSize declared, std::uint32_t tokens_out) {
  Means& means = x_means[key];
  means.used = ++x_clock;
  if (declared.tokens_out_max == 0) {
    move_mean(means.tokens_out, means.has_tokens_out, tokens_out * token_unit);
    return;
  }
  // A backend that answers more than was asked for does not make predictions larger than that.
  const std::uint32_t taken = std::min(tokens_out, declared.tokens_out_max);
  move_mean(means.share, means.has_share, taken * share_unit / declared.tokens_out_max);
}

void SizePredictor::forget(OwnerIndex owner) {
  x_means.erase(x_means.lower_bound({owner, 0}),
                x_means.upper_bound({owner, std::numeric_limits<TargetIndex>::max()}));
}

void SizePredictor::make_room() {
  std::vector<std::uint64_t> used;
  for (const auto& [key, means] : x_means) used.push_back(means.used);
  const auto middle = used.begin() + static_cast<std::ptrdiff_t>(used.size() / 2);
  std::nth_element(used.begin(), middle, used.end());
  std::erase_if(x_means, [&](const auto& entry) { return entry.second.used < *middle; });
}

}  // namespace signalbox
