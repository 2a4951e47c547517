// What records are made of: a version byte, fields in a fixed order, a checksum. Reading is total:
// any bytes give fields or an error.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/time.hpp"
#include "persistence/big_endian.hpp"

namespace signalbox::persistence {

/// Numbers are base-128 varints (least significant group first), signed ones zigzag; strings are
/// length and bytes.
class RecordWriter {
 public:
  explicit RecordWriter(std::string& out) : x_out_{out} {}

  void byte(std::uint8_t value) { x_out_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) byte(static_cast<std::uint8_t>(value | 0x80U));
    byte(static_cast<std::uint8_t>(value));
  }
  void signed_number(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    number((bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  /// Bit for bit.
  void real(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (unsigned shift = 64; shift > 0; shift -= 8) {
      byte(static_cast<std::uint8_t>(bits >> (shift - 8)));
    }
  }
  void time(WallTime value) { signed_number(value.time_since_epoch().count()); }
  void text(std::string_view value) {
    number(value.size());
    x_out_.append(value);
  }
  void id(const IdBytes& value) {
    x_out_.append(reinterpret_cast<const char*>(value.data()), value.size());
  }

 private:
  std::string& x_out_;
};

/// Takes values off the front. After the first one that is not there, everything reads as zero and
/// ok() is false.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : x_rest_{bytes} {}

  [[nodiscard]] bool ok() const { return x_ok_; }
  [[nodiscard]] bool at_end() const { return x_rest_.empty(); }

  std::uint8_t byte() {
    if (x_rest_.empty()) return fail<std::uint8_t>();
    const auto value = static_cast<std::uint8_t>(x_rest_.front());
    x_rest_.remove_prefix(1);
    return value;
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t group = byte();
      // The tenth group has room for one bit; a last group of zero would be a second spelling of
      // the same number.
      if (shift == 63 && group > 1) return fail<std::uint64_t>();
      if (shift > 0 && group == 0) return fail<std::uint64_t>();
      value |= static_cast<std::uint64_t>(group & 0x7FU) << shift;
      if ((group & 0x80U) == 0) return value;
    }
    return fail<std::uint64_t>();
  }

  std::uint32_t number32() {
    const std::uint64_t value = number();
    return value <= UINT32_MAX ? static_cast<std::uint32_t>(value) : fail<std::uint32_t>();
  }

  std::size_t count(std::size_t max) {
    const std::uint64_t value = number();
    return value <= max ? static_cast<std::size_t>(value) : fail<std::size_t>();
  }

  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1U));
  }

  std::int32_t signed_number32() {
    const std::int64_t value = signed_number();
    if (value < INT32_MIN || value > INT32_MAX) return fail<std::int32_t>();
    return static_cast<std::int32_t>(value);
  }

  /// A finite one.
  double real() {
    if (x_rest_.size() < sizeof(double)) return fail<double>();
    const auto value = std::bit_cast<double>(get_big_endian(x_rest_.substr(0, sizeof(double))));
    x_rest_.remove_prefix(sizeof(double));
    return std::isfinite(value) ? value : fail<double>();
  }

  WallTime time() { return WallTime{std::chrono::milliseconds{signed_number()}}; }

  std::string text() {
    const std::uint64_t size = number();
    if (size > x_rest_.size()) return fail<std::string>();
    std::string value{x_rest_.substr(0, size)};
    x_rest_.remove_prefix(size);
    return value;
  }

  IdBytes id() {
    IdBytes value{};
    if (value.size() > x_rest_.size()) return fail<IdBytes>();
    std::memcpy(value.data(), x_rest_.data(), value.size());
    x_rest_.remove_prefix(value.size());
    return value;
  }

  /// @param last the largest number of the enumeration.
  template <class Enum>
  Enum enumerator(Enum last) {
    const std::uint8_t value = byte();
    return value <= static_cast<std::uint8_t>(last) ? static_cast<Enum>(value) : fail<Enum>();
  }

  std::uint8_t flags(std::uint8_t known) {
    const std::uint8_t value = byte();
    return (value & ~known) == 0 ? value : fail<std::uint8_t>();
  }

 private:
  template <class T>
  T fail() {
    x_ok_ = false;
    x_rest_ = {};
    return T{};
  }

  std::string_view x_rest_;
  bool x_ok_ = true;
};

struct OpenedRecord {
  std::uint8_t version = 0;
  std::string_view fields;
};

/// Puts the checksum of all that is in `record` behind it.
void seal_record(std::string& record);

/// @param what "task", for the message. @returns the fields, or store_failed: a version above
/// `known_version`, or a wrong checksum.
Result<OpenedRecord> open_record(std::string_view what, std::string_view record,
                                 std::uint8_t known_version);

/// @returns store_failed unless every field was read and nothing is left.
std::optional<Error> unread(std::string_view what, const RecordReader& in);

}  // namespace signalbox::persistence
