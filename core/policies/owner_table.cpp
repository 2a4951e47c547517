#include "core/policies/owner_table.hpp"

#include <algorithm>

#include "core/base/error.hpp"

namespace signalbox {

OwnerIndex OwnerTable::acquire(const std::string& owner, std::vector<OwnerIndex>& forgotten) {
  if (x_last < x_entries.size() && x_entries[x_last].calls > 0 &&
      x_entries[x_last].name->first == owner) {
    ++x_entries[x_last].calls;
    x_entries[x_last].used = ++x_clock;
    return x_last;
  }
  auto place = x_indexes.find(owner);
  if (place == x_indexes.end()) {
    if (x_idle > owners_kept) make_room(forgotten);
    OwnerIndex index = static_cast<OwnerIndex>(x_entries.size());
    if (x_free.empty()) {
      x_entries.emplace_back();
    } else {
      index = x_free.back();
      x_free.pop_back();
    }
    place = x_indexes.emplace(owner, index).first;
    x_entries[index] = {place, 0, 0};
    ++x_idle;
  }
  Entry& entry = x_entries[place->second];
  if (entry.calls++ == 0) --x_idle;
  entry.used = ++x_clock;
  x_last = place->second;
  return x_last;
}

void OwnerTable::release(OwnerIndex owner) {
  SIGNALBOX_ASSERT(owner < x_entries.size() && x_entries[owner].calls > 0);
  Entry& entry = x_entries[owner];
  entry.used = ++x_clock;
  if (--entry.calls == 0) ++x_idle;
}

const std::string& OwnerTable::name(OwnerIndex owner) const {
  SIGNALBOX_ASSERT(owner < x_entries.size() && x_entries[owner].calls > 0);
  return x_entries[owner].name->first;
}

void OwnerTable::make_room(std::vector<OwnerIndex>& forgotten) {
  std::vector<std::pair<std::uint64_t, OwnerIndex>> idle;
  for (const auto& [name, index] : x_indexes) {
    if (x_entries[index].calls == 0) idle.emplace_back(x_entries[index].used, index);
  }
  std::sort(idle.begin(), idle.end());
  idle.resize(idle.size() / 2);
  for (const auto& [used, index] : idle) {
    x_indexes.erase(x_entries[index].name);
    x_free.push_back(index);
    forgotten.push_back(index);
  }
  x_idle -= idle.size();
}

}  // namespace signalbox
