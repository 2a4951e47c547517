// How long a backend's answer may be, whoever gives it: it is held in memory until it is whole.
#pragma once

#include <cstddef>

namespace signalbox {

/// A longer answer fails, for another try would be as long. Unit: bytes.
inline constexpr std::size_t answer_bytes_max = std::size_t{64} * 1024 * 1024;

}  // namespace signalbox
