#include "core/base/ids.hpp"

#include "core/base/hex.hpp"
#include "core/base/split_mix.hpp"

namespace signalbox {
namespace {

constexpr std::uint16_t counter_max = 0x0FFF;

constexpr bool is_dash_index(std::size_t index) {
  return index == 8 || index == 13 || index == 18 || index == 23;
}

}  // namespace

std::string format_id(const IdBytes& bytes) {
  std::string text;
  text.reserve(36);
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (index == 4 || index == 6 || index == 8 || index == 10) text += '-';
    text += hex_digits[bytes[index] >> 4U];
    text += hex_digits[bytes[index] & 0x0FU];
  }
  return text;
}

std::optional<IdBytes> parse_id(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  IdBytes bytes{};
  std::size_t nibble_index = 0;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (is_dash_index(index)) {
      if (text[index] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[index]);
    if (value < 0) return std::nullopt;
    auto& byte = bytes[nibble_index / 2];
    byte = static_cast<std::uint8_t>((unsigned{byte} << 4U) | static_cast<unsigned>(value));
    ++nibble_index;
  }
  return bytes;
}

IdBytes IdSequence::next(std::int64_t wall_ms) {
  if (wall_ms > x_last_ms_) {
    x_last_ms_ = wall_ms;
    x_counter_ = 0;
  } else if (x_counter_ == counter_max) {
    ++x_last_ms_;
    x_counter_ = 0;
  } else {
    ++x_counter_;
  }
  const std::uint64_t random = split_mix(x_random_);
  IdBytes bytes{};
  for (unsigned index = 0; index < 6; ++index) {
    bytes[index] = static_cast<std::uint8_t>(x_last_ms_ >> (40U - 8U * index));
  }
  bytes[6] = static_cast<std::uint8_t>(0x70U | (x_counter_ >> 8U));
  bytes[7] = static_cast<std::uint8_t>(x_counter_);
  for (unsigned index = 0; index < 8; ++index) {
    bytes[8 + index] = static_cast<std::uint8_t>(random >> (56U - 8U * index));
  }
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
  return bytes;
}

}  // namespace signalbox
