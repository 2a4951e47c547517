// Recorded calls, row by row: when each came and how large it was. A file of any length takes the
// memory of one line.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// Larger calls are slips. Unit: tokens.
inline constexpr std::uint32_t trace_tokens_max = 10'000'000;

/// @returns the time of "2023-11-16 18:15:46.6805900" (also with T, also with Z or a distance
/// from it like +01:00), exact to the nanosecond, or nothing.
std::optional<Duration> parse_calendar(std::string_view text);

/// @returns the time of a decimal number of `unit`s, exact to the nanosecond, or nothing.
/// @pre unit is 1 ns times a power of ten, at most 1 s.
std::optional<Duration> parse_amount(std::string_view text, Duration unit);

class TraceReader {
 public:
  /// @param path of the file. @returns invalid_request when it cannot be read or has not the
  /// columns.
  static Result<TraceReader> open(const TraceSpec& spec, const std::string& path);

  /// @returns the next row, or nothing at the end. Rows must be in the order of their times.
  Result<std::optional<TraceRow>> next();

 private:
  struct Columns {
    std::size_t time = 0;
    std::optional<std::size_t> tokens_in;
    std::optional<std::size_t> tokens_out;
  };
  TraceReader() = default;
  std::optional<Error> read_header(const TraceSpec& spec);
  /// @returns false at the end of the file.
  bool read_line();
  [[nodiscard]] Error bad_line(const std::string& message) const;
  [[nodiscard]] std::optional<std::size_t> find_column(const std::string& name) const;
  Result<std::optional<std::uint32_t>> read_tokens(std::optional<std::size_t> column) const;

  std::ifstream x_file;
  std::string x_path;
  Duration x_time_unit{};
  Columns x_columns;
  std::string x_line;
  std::size_t x_line_number = 0;
  /// Of x_line.
  std::vector<std::string_view> x_fields;
  std::optional<Duration> x_last;
};

}  // namespace signalbox::sim
