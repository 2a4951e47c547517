// Numbers for the owners of a profile's calls, so that policies count in small arrays. Bounded: who
// has no call here is forgotten when more than `owners_kept` are known.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/policies/waiter_view.hpp"

namespace signalbox {

/// Owners without a call here that are remembered at most, beside those that have one.
inline constexpr std::size_t owners_kept = 1024;

class OwnerTable {
 public:
  /// One more call of that owner is here. @returns its number. When that makes too many of them,
  /// the half of those without a call that was not heard of for longest is added to `forgotten`:
  /// their numbers will be others'. Complexity: O(log n), amortised.
  OwnerIndex acquire(const std::string& owner, std::vector<OwnerIndex>& forgotten);
  /// One call less.
  void release(OwnerIndex owner);
  /// @pre that owner has a call here.
  [[nodiscard]] const std::string& name(OwnerIndex owner) const;

  [[nodiscard]] std::size_t size() const { return x_indexes.size(); }

 private:
  struct Entry {
    std::map<std::string, OwnerIndex>::const_iterator name;
    std::size_t calls = 0;
    std::uint64_t used = 0;
  };
  void make_room(std::vector<OwnerIndex>& forgotten);

  std::map<std::string, OwnerIndex> x_indexes;
  std::vector<Entry> x_entries;
  std::vector<OwnerIndex> x_free;
  std::size_t x_idle = 0;
  /// Of the last call: the next one is often the same owner's.
  OwnerIndex x_last = 0;
  std::uint64_t x_clock = 0;
};

}  // namespace signalbox
