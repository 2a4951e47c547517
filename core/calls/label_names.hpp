// Which names are told apart in metrics. Callers choose names of profiles, so there may be any
// number of them: the first that come have a label of their own, the rest share one.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace signalbox {

class LabelNames {
 public:
  static constexpr std::string_view other = "other";

  /// @param names_max names told apart.
  explicit LabelNames(std::size_t names_max) : x_names_max{names_max} {}

  /// @returns the name, or `other` when it came too late; lives as long as this.
  std::string_view label_for(std::string_view name) {
    const auto known = x_names.find(name);
    if (known != x_names.end()) return *known;
    if (x_names.size() >= x_names_max) return other;
    return *x_names.emplace(name).first;
  }

 private:
  std::size_t x_names_max;
  std::set<std::string, std::less<>> x_names;
};

}  // namespace signalbox
