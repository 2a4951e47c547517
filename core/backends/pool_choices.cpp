#include "core/backends/pool_choices.hpp"

namespace signalbox {

PoolChoices::PoolChoices(const PoolChoices& other)
    : x_default{other.x_default}, x_set{other.x_set} {
  for (const auto& [pool, choice] : other.x_live) x_live.emplace(pool, choice->clone());
}

PoolChoices& PoolChoices::operator=(const PoolChoices& other) {
  if (this != &other) *this = PoolChoices{other};
  return *this;
}

ChoiceKind PoolChoices::kind_of(const std::string& pool) const {
  const auto place = x_set.find(pool);
  return place == x_set.end() ? x_default : place->second;
}

BackendChoice& PoolChoices::of(const std::string& pool) {
  std::unique_ptr<BackendChoice>& choice = x_live[pool];
  const ChoiceKind kind = kind_of(pool);
  if (!choice || choice->kind() != kind) choice = make_choice(kind);
  return *choice;
}

std::size_t PoolChoices::sessions_of(const std::string& pool) const {
  const auto place = x_live.find(pool);
  const bool is_live = place != x_live.end() && place->second->kind() == kind_of(pool);
  return is_live ? place->second->sessions() : 0;
}

std::string_view PoolChoices::home_of(const std::string& pool, std::string_view session) const {
  const auto place = x_live.find(pool);
  return place == x_live.end() ? std::string_view{} : place->second->home_of(session);
}

void PoolChoices::keep_only(const std::function<bool(const std::string& pool)>& is_used) {
  std::erase_if(x_live, [&](const auto& entry) { return !is_used(entry.first); });
}

}  // namespace signalbox
