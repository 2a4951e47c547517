#include "cli/worker/worker_wake.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

namespace signalbox::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds poll_interval{100};

/// The command in a process group of its own, so that a Ctrl-C for the worker is not one for the
/// server that it started.
class Command {
 public:
  /// @returns 0 or an errno.
  int start(const std::string& text);
  /// Looks whether it has ended.
  void poll();
  void kill();

  [[nodiscard]] bool is_running() const { return x_pid > 0; }
  /// As waitpid() gave it. @pre !is_running().
  [[nodiscard]] int status() const { return x_status; }

 private:
  pid_t x_pid = 0;
  int x_status = 0;
};

int Command::start(const std::string& text) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  std::string shell = "/bin/sh";
  std::string flag = "-c";
  std::string command = text;
  char* const arguments[] = {shell.data(), flag.data(), command.data(), nullptr};
  const int error = posix_spawn(&x_pid, shell.c_str(), &files, &attributes, arguments, ::environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) x_pid = 0;
  return error;
}

void Command::poll() {
  if (is_running() && ::waitpid(x_pid, &x_status, WNOHANG) == x_pid) x_pid = 0;
}

void Command::kill() {
  if (!is_running()) return;
  ::kill(-x_pid, SIGKILL);
  ::waitpid(x_pid, &x_status, 0);
  x_pid = 0;
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) {
    return "the wake command was ended by signal " + std::to_string(WTERMSIG(status));
  }
  return "the wake command ended with exit code " + std::to_string(WEXITSTATUS(status));
}

/// Waits for a server that outlives its wake, so that it leaves no zombie.
void reap_later(Command command) {
  std::thread{[command]() mutable {
    while (command.is_running()) {
      command.poll();
      std::this_thread::sleep_for(std::chrono::seconds{1});
    }
  }}.detach();
}

}  // namespace

std::optional<std::string> run_wake(const WakeJob& job) {
  const auto deadline = steady_clock::now() + job.time_max;
  // Up already, it may still lack its model: then only the command's end tells.
  const bool was_up = job.is_up();
  Command command;
  if (const int error = command.start(job.command); error != 0) {
    return std::string{"the wake command cannot be run: "} + std::strerror(error);
  }
  while (true) {
    command.poll();
    if (!command.is_running() && command.status() != 0) return describe_end(command.status());
    const bool may_be_ready = !command.is_running() || !was_up;
    if (may_be_ready && job.is_up()) break;
    if (steady_clock::now() >= deadline || job.is_given_up()) {
      command.kill();
      return "the local server did not answer within " + std::to_string(job.time_max.count()) +
             " s of its wake command";
    }
    std::this_thread::sleep_for(poll_interval);
  }
  if (command.is_running()) reap_later(command);
  return std::nullopt;
}

}  // namespace signalbox::cli
