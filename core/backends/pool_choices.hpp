// Which choice each pool has: what was set for it, else the default. The objects come into being
// when a pool is first asked for and go with its last LLM, so names that come and go leave nothing
// behind.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/backends/backend_choice.hpp"

namespace signalbox {

class PoolChoices {
 public:
  PoolChoices() = default;
  PoolChoices(const PoolChoices& other);
  PoolChoices& operator=(const PoolChoices& other);
  PoolChoices(PoolChoices&&) = default;
  PoolChoices& operator=(PoolChoices&&) = default;
  ~PoolChoices() = default;

  void set(const std::string& pool, ChoiceKind kind) { x_set[pool] = kind; }
  void set_default(ChoiceKind kind) { x_default = kind; }

  [[nodiscard]] ChoiceKind kind_of(const std::string& pool) const;
  /// Of another kind than before: it begins anew.
  BackendChoice& of(const std::string& pool);
  [[nodiscard]] std::size_t sessions_of(const std::string& pool) const;
  [[nodiscard]] std::string_view home_of(const std::string& pool, std::string_view session) const;
  /// What was set, by pool.
  [[nodiscard]] const std::map<std::string, ChoiceKind>& all_set() const { return x_set; }

  /// What is set stays; what was remembered for the others goes.
  void keep_only(const std::function<bool(const std::string& pool)>& is_used);

 private:
  ChoiceKind x_default = ChoiceKind::least_loaded;
  std::map<std::string, ChoiceKind> x_set;
  std::map<std::string, std::unique_ptr<BackendChoice>> x_live;
};

}  // namespace signalbox
