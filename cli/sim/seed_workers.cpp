#include "cli/sim/seed_workers.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

namespace signalbox::cli {
namespace {

static_assert(std::is_trivially_copyable_v<sim::SeedFigures>);

/// What a worker says: that it begins with a seed, and what that came to.
struct Frame {
  std::uint64_t seed = 0;
  bool is_result = false;
  sim::SeedFigures figures;
  /// Of the text behind it, which says what failed; 0 = nothing did.
  std::uint64_t text_bytes = 0;
};
static_assert(std::is_trivially_copyable_v<Frame>);

void write_all(int file, const void* data, std::size_t bytes) {
  const auto* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = write(file, next, bytes);
    if (written < 0 && errno == EINTR) continue;
    // Whoever asked is gone.
    if (written <= 0) _exit(1);
    next += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

[[noreturn]] void work(SeedSpan seeds, std::uint32_t jobs, std::uint64_t tasks, int out) {
  for (std::uint64_t seed = seeds.first; seed <= seeds.last; seed += jobs) {
    Frame frame;
    frame.seed = seed;
    write_all(out, &frame, sizeof(frame));
    const sim::SeedRun run = sim::run_seed(seed, tasks);
    const std::string text = run.violation ? sim::print_violation(*run.violation) : "";
    frame.is_result = true;
    frame.figures = run.figures;
    frame.text_bytes = text.size();
    write_all(out, &frame, sizeof(frame));
    write_all(out, text.data(), text.size());
  }
  _exit(0);
}

struct Worker {
  pid_t process = -1;
  int in = -1;
  std::string unread;
  /// Begun and not told the end of.
  std::optional<std::uint64_t> seed;
};

class Workers {
 public:
  Workers(SeedSpan seeds, std::uint32_t jobs, std::uint64_t tasks, const SeedListener& listener)
      : x_seeds{seeds}, x_jobs{jobs}, x_tasks{tasks}, x_listener{listener} {}

  std::string run() {
    for (std::uint32_t number = 0; number < x_jobs && x_error.empty(); ++number) {
      start(x_seeds.first + number);
    }
    while (!x_workers.empty()) read_some();
    return x_error;
  }

 private:
  void start(std::uint64_t first) {
    if (first > x_seeds.last || !x_error.empty()) return;
    int ends[2];
    if (pipe(ends) != 0) {
      x_error = std::string{"cannot make a pipe: "} + std::strerror(errno);
      return;
    }
    const pid_t process = fork();
    if (process == 0) {
      close(ends[0]);
      for (const Worker& other : x_workers) close(other.in);
      work({first, x_seeds.last}, x_jobs, x_tasks, ends[1]);
    }
    close(ends[1]);
    if (process < 0) {
      close(ends[0]);
      x_error = std::string{"cannot start a process: "} + std::strerror(errno);
      return;
    }
    x_workers.push_back({process, ends[0], {}, {}});
  }

  void read_some() {
    std::vector<pollfd> files;
    for (const Worker& worker : x_workers) files.push_back({worker.in, POLLIN, 0});
    if (poll(files.data(), files.size(), -1) < 0) return;
    // From the end, since those that are over are taken out.
    for (std::size_t index = files.size(); index-- > 0;) {
      if (files[index].revents == 0) continue;
      char bytes[65536];
      const ssize_t count = read(files[index].fd, bytes, sizeof(bytes));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        bury(index);
        continue;
      }
      x_workers[index].unread.append(bytes, static_cast<std::size_t>(count));
      take_frames(x_workers[index]);
    }
  }

  void take_frames(Worker& worker) {
    Frame frame;
    while (worker.unread.size() >= sizeof(frame)) {
      std::memcpy(&frame, worker.unread.data(), sizeof(frame));
      if (worker.unread.size() < sizeof(frame) + frame.text_bytes) return;
      const std::string text = worker.unread.substr(sizeof(frame), frame.text_bytes);
      worker.unread.erase(0, sizeof(frame) + frame.text_bytes);
      worker.seed = frame.seed;
      if (!frame.is_result) continue;
      worker.seed.reset();
      x_listener.figures(frame.figures);
      if (!text.empty()) x_listener.failure({frame.seed, text});
    }
  }

  void bury(std::size_t index) {
    const Worker worker = std::move(x_workers[index]);
    x_workers.erase(x_workers.begin() + static_cast<std::ptrdiff_t>(index));
    close(worker.in);
    int status = 0;
    while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
    }
    if (!worker.seed) return;
    const std::string how = WIFSIGNALED(status)
                                ? "signal " + std::to_string(WTERMSIG(status))
                                : "exit code " + std::to_string(WEXITSTATUS(status));
    x_listener.failure({*worker.seed, "the process died of it, " + how});
    start(*worker.seed + x_jobs);
  }

  SeedSpan x_seeds;
  std::uint32_t x_jobs;
  std::uint64_t x_tasks;
  const SeedListener& x_listener;
  std::vector<Worker> x_workers;
  std::string x_error;
};

}  // namespace

std::string run_seeds(SeedSpan seeds, std::uint32_t jobs, std::uint64_t tasks,
                      const SeedListener& listener) {
  return Workers{seeds, jobs, tasks, listener}.run();
}

}  // namespace signalbox::cli
