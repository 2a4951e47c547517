// The real world behind the ports: the system's clock, and ids that nobody can guess.
#pragma once

#include <mutex>

#include "core/ports.hpp"

namespace signalbox::cli {

class SystemWallClock final : public WallClock {
 public:
  WallTime now() override;
};

/// Used by HTTP threads and actors alike.
class SystemIdSource final : public IdSource {
 public:
  SystemIdSource();
  IdBytes next() override;

 private:
  std::mutex x_mutex;
  IdSequence x_sequence;
};

}  // namespace signalbox::cli
