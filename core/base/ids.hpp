// Identifiers: 128 bits, ordered by creation time (RFC 9562 version 7), one type per thing
// identified. Ordered ids keep neighbours in time neighbours in the store, which makes both listing
// and collecting cheap.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace signalbox {

/// The sixteen bytes of an id, most significant first, so that byte order is time order.
using IdBytes = std::array<std::uint8_t, 16>;

/// @returns the lower-case 8-4-4-4-12 form.
std::string format_id(const IdBytes& bytes);

/// @returns the bytes, or nothing unless `text` is exactly the 8-4-4-4-12 form (either case).
std::optional<IdBytes> parse_id(std::string_view text);

/// @returns eight bytes of an id as a number that orders as they do.
inline std::uint64_t id_word(const IdBytes& bytes, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

template <class Tag>
struct Id {
  IdBytes bytes{};

  friend bool operator==(const Id&, const Id&) = default;
  /// Byte order, in two words: ids are the keys of nearly every table.
  friend std::strong_ordering operator<=>(const Id& left, const Id& right) {
    const auto high = id_word(left.bytes, 0) <=> id_word(right.bytes, 0);
    return high != 0 ? high : id_word(left.bytes, 8) <=> id_word(right.bytes, 8);
  }

  [[nodiscard]] bool is_nil() const { return bytes == IdBytes{}; }
  [[nodiscard]] std::string to_string() const { return format_id(bytes); }
  /// When it was made, by the clock of its maker: the first 48 bits.
  [[nodiscard]] WallTime created_at() const {
    std::int64_t ms = 0;
    for (std::size_t index = 0; index < 6; ++index) ms = (ms << 8) | bytes[index];
    return WallTime{std::chrono::milliseconds{ms}};
  }

  static std::optional<Id> parse(std::string_view text) {
    if (auto parsed = parse_id(text)) return Id{*parsed};
    return std::nullopt;
  }
};

/// A durable task; also the id of its call row and, for jobs, of the job.
using TaskId = Id<struct TaskTag>;
/// A slot held by an app for a call that it makes itself.
using SlotId = Id<struct SlotTag>;
/// A worker's session, sticky over reconnects.
using SessionId = Id<struct SessionTag>;

/// Makes time-ordered ids. Strictly rising within one generator even when the clock stands still or
/// steps back.
class IdSequence {
 public:
  /// @param random_seed spreads the low 62 bits of different generators; must be unpredictable in
  /// the daemon.
  explicit IdSequence(std::uint64_t random_seed) : x_random_{random_seed | 1U} {}

  /// @param wall_ms milliseconds since 1970, 48 bits used.
  IdBytes next(std::int64_t wall_ms);

 private:
  std::uint64_t x_random_;
  std::int64_t x_last_ms_ = 0;
  std::uint16_t x_counter_ = 0;
};

}  // namespace signalbox

template <class Tag>
struct std::hash<signalbox::Id<Tag>> {
  std::size_t operator()(const signalbox::Id<Tag>& id) const noexcept {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, id.bytes.data(), 8);
    std::memcpy(&low, id.bytes.data() + 8, 8);
    return static_cast<std::size_t>((high * 0x9E3779B97F4A7C15ULL) ^ low);
  }
};
