#include "persistence/checksum.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace signalbox::persistence {
namespace {

using Table = std::array<std::uint32_t, 256>;

// Eight tables take eight bytes a step ("slicing by 8"), about 2 GB/s without any special
// instruction.
constexpr std::size_t table_count = 8;

constexpr std::array<Table, table_count> make_tables() {
  constexpr std::uint32_t reflected_polynomial = 0x82F63B78U;
  std::array<Table, table_count> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? reflected_polynomial : 0U);
    tables[0][byte] = crc;
  }
  for (std::size_t table = 1; table < table_count; ++table) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[table - 1][byte];
      tables[table][byte] = (before >> 8U) ^ tables[0][before & 0xFFU];
    }
  }
  return tables;
}

constexpr auto tables = make_tables();

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
  static_assert(std::endian::native == std::endian::little,
                "the eight-byte step reads little-endian");
  std::uint32_t crc = ~seed;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    word ^= crc;
    crc = 0;
    for (std::size_t index = 0; index < 8; ++index) {
      crc ^= tables[7 - index][(word >> (8 * index)) & 0xFFU];
    }
    bytes.remove_prefix(8);
  }
  for (const char character : bytes) {
    crc = (crc >> 8U) ^ tables[0][(crc ^ static_cast<unsigned char>(character)) & 0xFFU];
  }
  return ~crc;
}

}  // namespace signalbox::persistence
