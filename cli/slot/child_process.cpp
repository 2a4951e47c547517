#include "cli/slot/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "config/words.hpp"

namespace signalbox::cli {
namespace {

Failure not_run(const std::string& program, int error) {
  const bool is_missing = error == ENOENT;
  return {is_missing ? ExitCode::no_command : ExitCode::cannot_run,
          is_missing ? "there is no command " + config::quote(program)
                     : "cannot run " + config::quote(program) + ": " + std::strerror(error)};
}

/// @returns whether this process is in the foreground of a terminal.
bool is_at_terminal() {
  const int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0) return false;
  const bool is_foreground = tcgetpgrp(terminal) == getpgrp();
  close(terminal);
  return is_foreground;
}

class SpawnAttributes {
 public:
  SpawnAttributes() { posix_spawnattr_init(&x_attributes); }
  ~SpawnAttributes() { posix_spawnattr_destroy(&x_attributes); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  posix_spawnattr_t* get() { return &x_attributes; }

 private:
  posix_spawnattr_t x_attributes{};
};

}  // namespace

Outcome<ChildProcess> ChildProcess::start(const std::vector<std::string>& command,
                                          const sigset_t& signal_mask, const sigset_t& defaults) {
  const bool has_group = !is_at_terminal();
  SpawnAttributes attributes;
  posix_spawnattr_setsigmask(attributes.get(), &signal_mask);
  posix_spawnattr_setsigdefault(attributes.get(), &defaults);
  posix_spawnattr_setpgroup(attributes.get(), 0);
  const int flags =
      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (has_group ? POSIX_SPAWN_SETPGROUP : 0);
  posix_spawnattr_setflags(attributes.get(), static_cast<short>(flags));
  std::vector<std::string> words = command;
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t id = 0;
  const int error =
      posix_spawnp(&id, pointers.front(), nullptr, attributes.get(), pointers.data(), environ);
  if (error != 0) return not_run(command.front(), error);
  return ChildProcess{id, has_group};
}

void ChildProcess::signal(int number) const {
  kill(x_has_group ? -x_id : x_id, number);
}

std::optional<int> ChildProcess::poll() {
  int status = 0;
  if (waitpid(x_id, &status, WNOHANG) != x_id) return std::nullopt;
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status);
}

std::optional<Failure> check_program(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    if (access(program.c_str(), X_OK) == 0) return std::nullopt;
    return not_run(program, errno);
  }
  const char* variable = std::getenv("PATH");
  // Without PATH the system has places of its own.
  if (variable == nullptr) return std::nullopt;
  const std::string path = variable;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    if (access(((folder.empty() ? "." : folder) + "/" + program).c_str(), X_OK) == 0) {
      return std::nullopt;
    }
    begin = end + 1;
  }
  return not_run(program, ENOENT);
}

}  // namespace signalbox::cli
