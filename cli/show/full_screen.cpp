#include "cli/show/full_screen.hpp"

#include <unistd.h>

#include "cli/client/output.hpp"

namespace signalbox::cli {
namespace {

// The alternate screen, without a cursor, and long lines end at its edge.
constexpr const char* begin = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr const char* end = "\x1b[?7h\x1b[?25h\x1b[?1049l";

}  // namespace

FullScreen::FullScreen() {
  x_has_keys = tcgetattr(STDIN_FILENO, &x_before) == 0;
  enter();
}

FullScreen::~FullScreen() {
  leave();
}

void FullScreen::enter() {
  if (x_is_in) return;
  x_is_in = true;
  if (x_has_keys) {
    termios raw = x_before;
    // Signals stay: Ctrl-C and Ctrl-Z are what they are elsewhere.
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  }
  print_out(begin);
}

void FullScreen::leave() {
  if (!x_is_in) return;
  x_is_in = false;
  print_out(end);
  if (x_has_keys) tcsetattr(STDIN_FILENO, TCSAFLUSH, &x_before);
}

bool FullScreen::paint(const std::vector<std::string>& lines) {
  // Over what is there, so that nothing flickers; each line wipes what is behind it.
  std::string text = "\x1b[H";
  for (std::size_t index = 0; index < lines.size(); ++index) {
    if (index > 0) text += "\r\n";
    text += lines[index] + "\x1b[K";
  }
  return print_out(text + "\x1b[J");
}

}  // namespace signalbox::cli
