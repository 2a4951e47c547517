// Decides how much of a text that arrives in pieces may be given out: nothing from the first stop
// sequence on, nothing yet that may turn out to be the beginning of one, and no half characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace signalbox::http {

class TextGate {
 public:
  /// @param stops none of them empty. Holds back fewer bytes than the longest has.
  explicit TextGate(std::vector<std::string> stops = {}) : x_stops(std::move(stops)) {}

  /// @returns what may be given out now. @pre not stopped().
  std::string feed(std::string_view piece);
  /// @returns what was held back, when no more will come.
  std::string finish();

  /// A stop sequence has come: neither it nor anything behind it is given out.
  [[nodiscard]] bool stopped() const { return x_stopped; }

 private:
  /// @returns how many bytes at the end of x_held may be the beginning of a stop sequence.
  [[nodiscard]] std::size_t stop_prefix_size() const;

  std::vector<std::string> x_stops;
  std::string x_held;
  bool x_stopped = false;
};

/// @returns how many bytes at the end of `text` begin a UTF-8 character without ending it; 0 to 3.
std::size_t unfinished_character_size(std::string_view text);

}  // namespace signalbox::http
