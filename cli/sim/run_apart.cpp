#include "cli/sim/run_apart.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/base/error.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t text_bytes_max = 65'536;

void write_all(int file, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    written += static_cast<std::size_t>(count);
  }
}

[[noreturn]] void be_child(const std::function<std::string()>& work, int told, int said) {
  dup2(said, STDERR_FILENO);
  write_all(told, work());
  // Not exit(): what the parent has buffered is the parent's to write.
  _exit(0);
}

/// Reads both pipes until they are closed or time is up.
class Listener {
 public:
  Listener(int told, int said) : x_files{{{told, POLLIN, 0}, {said, POLLIN, 0}}} {}

  /// @returns false when time was up.
  bool listen(Clock::time_point until) {
    while (x_files[0].fd >= 0 || x_files[1].fd >= 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
      if (left.count() <= 0) return false;
      const int ready = poll(x_files.data(), x_files.size(), static_cast<int>(left.count()));
      if (ready < 0 && errno != EINTR) return false;
      if (ready > 0) take();
    }
    return true;
  }

  [[nodiscard]] std::string text(bool is_told) const { return x_texts[is_told ? 0 : 1]; }

 private:
  void take() {
    std::array<char, 4096> buffer{};
    for (std::size_t index = 0; index < x_files.size(); ++index) {
      if (x_files[index].revents == 0) continue;
      const ssize_t count = read(x_files[index].fd, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      // poll() passes over what is below zero.
      if (count <= 0) x_files[index].fd = -1;
      if (count > 0 && x_texts[index].size() < text_bytes_max) {
        x_texts[index].append(buffer.data(), static_cast<std::size_t>(count));
      }
    }
  }

  std::array<pollfd, 2> x_files;
  std::array<std::string, 2> x_texts;
};

}  // namespace

ApartResult run_apart(const std::function<std::string()>& work,
                      std::chrono::milliseconds patience) {
  std::array<int, 2> told{};
  std::array<int, 2> said{};
  const bool has_pipes = pipe(told.data()) == 0 && pipe(said.data()) == 0;
  SIGNALBOX_ASSERT(has_pipes);
  const pid_t child = fork();
  SIGNALBOX_ASSERT(child >= 0);
  if (child == 0) be_child(work, told[1], said[1]);
  close(told[1]);
  close(said[1]);
  Listener listener{told[0], said[0]};
  const bool is_late = !listener.listen(Clock::now() + patience);
  if (is_late) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  close(told[0]);
  close(said[0]);
  if (is_late) return {ApartResult::Ending::late, {}};
  const bool has_died = !WIFEXITED(status);
  return {has_died ? ApartResult::Ending::died : ApartResult::Ending::told,
          listener.text(!has_died)};
}

}  // namespace signalbox::cli
