#include "cli/serve/system_ports.hpp"

#include <openssl/rand.h>

namespace signalbox::cli {
namespace {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  const int ok = RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed);
  SIGNALBOX_ASSERT(ok == 1);
  return seed;
}

}  // namespace

WallTime SystemWallClock::now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

SystemIdSource::SystemIdSource() : x_sequence{random_seed()} {}

IdBytes SystemIdSource::next() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const std::lock_guard lock{x_mutex};
  return x_sequence.next(std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
}

}  // namespace signalbox::cli
