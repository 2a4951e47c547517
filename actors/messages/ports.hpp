// The outside world as an actor gets it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/ports.hpp"

namespace signalbox::actors {

struct Ports {
  std::shared_ptr<WallClock> wall;
  std::shared_ptr<IdSource> ids;
  /// Reads from any actor; writes go through the StoreActor.
  std::shared_ptr<TaskStore> store;
  /// Takes a line for whoever runs the daemon, from any thread; null = nobody reads it.
  std::function<void(const std::string&)> log = nullptr;
};

}  // namespace signalbox::actors
