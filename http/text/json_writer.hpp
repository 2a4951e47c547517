// Writes JSON as text, member by member. Raw values (request and response bodies) go in as the
// bytes they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace signalbox::http {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  /// The name of the next value.
  JsonWriter& key(std::string_view name);

  JsonWriter& string(std::string_view value);
  /// null when `value` is empty.
  JsonWriter& string_or_null(std::string_view value);
  JsonWriter& number(std::int64_t value);
  /// At most three decimals, never an exponent; null unless finite.
  JsonWriter& number(double value);
  /// null when below zero: "not known".
  JsonWriter& number_or_null(double value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  /// RFC 3339 UTC with milliseconds; null when zero.
  JsonWriter& time(WallTime value);
  /// @param json well-formed JSON; null when empty.
  JsonWriter& raw(std::string_view json);

  /// Of the text so far. Unit: bytes.
  [[nodiscard]] std::size_t size() const { return x_text.size(); }
  [[nodiscard]] std::string take() { return std::move(x_text); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& value(std::string_view text);
  void separate();

  std::string x_text;
  bool x_needs_comma = false;
};

/// @returns RFC 3339 UTC with milliseconds, "2026-11-21T03:57:01.250Z".
std::string format_time(WallTime time);

/// @returns the time, or nothing unless `text` is RFC 3339 (offset allowed, fraction optional).
bool parse_time(std::string_view text, WallTime& time);

}  // namespace signalbox::http
