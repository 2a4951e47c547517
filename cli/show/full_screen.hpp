// The terminal as one screen that is painted over: the alternate screen, no echo, keys as they are
// typed.
#pragma once

#include <termios.h>

#include <string>
#include <vector>

namespace signalbox::cli {

class FullScreen {
 public:
  /// @pre stdout is a terminal.
  FullScreen();
  /// The terminal is as it was.
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  /// @returns false when the terminal is gone.
  bool paint(const std::vector<std::string>& lines);

  /// The terminal is as it was, and leave() does nothing more, until enter().
  void leave();
  void enter();

 private:
  termios x_before{};
  bool x_has_keys = false;
  bool x_is_in = false;
};

}  // namespace signalbox::cli
