#include "cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "cli/failure.hpp"

namespace signalbox::cli {

bool print_out(std::string_view text) {
  const std::size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return true;
  // `| head` closes the pipe on purpose; a full disk is worth a word.
  if (errno != EPIPE) {
    report({ExitCode::failure, std::string{"cannot write: "} + std::strerror(errno)});
  }
  return false;
}

std::size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0) return 0;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

void set_client_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, [](int) { _exit(to_int(ExitCode::interrupted)); });
}

}  // namespace signalbox::cli
