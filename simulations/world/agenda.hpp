// What is to be done to a house from outside at known times: faults begin and end, clients act
// and call again, a process that died starts again. One moment's items come in the order they were
// noted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/base/time.hpp"

namespace signalbox::sim {

struct AgendaItem {
  enum class Kind : std::uint8_t {
    fault_begins,
    fault_ends,
    fault_goes_on,
    cancel,
    hang_up,
    duplicate,
    repeat,
    renew_slot,
    release_slot,
    restart,
  };
  Kind kind = Kind::fault_begins;
  /// Of a fault its index, of an act or a repeat the number of the call.
  std::uint64_t number = 0;
};

class Agenda {
 public:
  void add(Duration at, AgendaItem item) { x_items.emplace(at, item); }
  [[nodiscard]] std::optional<Duration> next_at() const {
    if (x_items.empty()) return std::nullopt;
    return x_items.begin()->first;
  }
  /// @pre there is one.
  AgendaItem take() { return x_items.extract(x_items.begin()).mapped(); }

 private:
  std::multimap<Duration, AgendaItem> x_items;
};

}  // namespace signalbox::sim
