#include "cli/client/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "cli/client/failure.hpp"

namespace signalbox::cli {
namespace {

winsize terminal_size() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0) return {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return size;
}

}  // namespace

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
  return terminal_size().ws_col;
}

std::size_t terminal_height() {
  return terminal_size().ws_row;
}

void set_client_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, [](int) { _exit(to_int(ExitCode::interrupted)); });
}

}  // namespace signalbox::cli
