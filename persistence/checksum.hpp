// CRC-32C (Castagnoli): tells damaged bytes from good ones. LMDB 0.9 pages carry no checksum of
// their own.
#pragma once

#include <cstdint>
#include <string_view>

namespace signalbox::persistence {

/// @param seed the checksum of what comes before `bytes`, to go on with it; 0 to begin.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace signalbox::persistence
