// Pieces of YAML text that come back as they were: what is written for a time, a number or a name
// is read as just that.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace signalbox::sim {

/// @returns seconds as a decimal, exact to the nanosecond: "0.29", "3". @pre not negative.
std::string seconds_text(Duration time);

/// @returns the shortest decimal that is read as this number. @pre finite, not negative.
std::string number_text(double number);

/// @returns the text as a YAML value: in quotes where it could be taken for something else.
std::string value_text(std::string_view text);

/// A map in one line, `{law: exp, mean_s: 2}`, its keys in the order they are added.
class FlowMap {
 public:
  /// @param value YAML text.
  FlowMap& add(std::string_view key, std::string_view value);
  FlowMap& add(std::string_view key, std::integral auto number) {
    return add(key, std::string_view{std::to_string(number)});
  }
  [[nodiscard]] bool is_empty() const { return x_entries.empty(); }
  [[nodiscard]] std::string text() const { return "{" + x_entries + "}"; }

 private:
  std::string x_entries;
};

}  // namespace signalbox::sim
