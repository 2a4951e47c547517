// The outside world as an actor gets it.
#pragma once

#include <memory>

#include "core/ports.hpp"

namespace signalbox::actors {

struct Ports {
  std::shared_ptr<WallClock> wall;
  std::shared_ptr<IdSource> ids;
  /// Reads from any actor; writes go through the StoreActor.
  std::shared_ptr<TaskStore> store;
};

}  // namespace signalbox::actors
