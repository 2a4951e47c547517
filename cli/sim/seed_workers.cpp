#include "cli/sim/seed_workers.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

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

[[noreturn]] void work(const SeedOrder& order, std::uint64_t first, int out) {
  // One that hangs would outlive whoever started it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (std::uint64_t seed = first; seed <= order.seeds.last; seed += order.jobs) {
    Frame frame;
    frame.seed = seed;
    write_all(out, &frame, sizeof(frame));
    const sim::SeedRun run = order.run(seed);
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
  /// It has been long enough at its seed.
  Clock::time_point late_at;
};

/// @returns its exit, as waitpid() tells it.
int reap(const Worker& worker) {
  close(worker.in);
  int status = 0;
  while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

class Workers {
 public:
  Workers(const SeedOrder& order, const SeedListener& listener)
      : x_order{order}, x_listener{listener} {}

  SeedsEnd run() {
    for (std::uint32_t number = 0; number < x_order.jobs && x_end.error.empty(); ++number) {
      start(x_order.seeds.first + number);
    }
    while (!x_workers.empty() && !x_end.is_stopped) {
      read_some();
      end_late();
    }
    for (const Worker& worker : x_workers) {
      kill(worker.process, SIGKILL);
      reap(worker);
    }
    return x_end;
  }

 private:
  void start(std::uint64_t first) {
    if (first > x_order.seeds.last || !x_end.error.empty()) return;
    int ends[2];
    if (pipe(ends) != 0) {
      x_end.error = std::string{"cannot make a pipe: "} + std::strerror(errno);
      return;
    }
    const pid_t process = fork();
    if (process == 0) {
      close(ends[0]);
      for (const Worker& other : x_workers) close(other.in);
      work(x_order, first, ends[1]);
    }
    close(ends[1]);
    if (process < 0) {
      close(ends[0]);
      x_end.error = std::string{"cannot start a process: "} + std::strerror(errno);
      return;
    }
    x_workers.push_back({process, ends[0], {}, {}, {}});
  }

  /// @returns how long nobody is late yet; -1 when nobody is at work. Unit: ms.
  [[nodiscard]] int time_left() const {
    std::optional<Clock::time_point> next;
    for (const Worker& worker : x_workers) {
      if (worker.seed && (!next || worker.late_at < *next)) next = worker.late_at;
    }
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
  }

  void read_some() {
    std::vector<pollfd> files;
    for (const Worker& worker : x_workers) files.push_back({worker.in, POLLIN, 0});
    // poll() passes over what is below zero.
    files.push_back({x_order.stop_file, POLLIN, 0});
    if (poll(files.data(), files.size(), time_left()) < 0) return;
    // From the end, since those that are over are taken out.
    for (std::size_t index = x_workers.size(); index-- > 0;) {
      if (files[index].revents == 0) continue;
      char bytes[65536];
      const ssize_t count = read(files[index].fd, bytes, sizeof(bytes));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        bury(index, false);
        continue;
      }
      x_workers[index].unread.append(bytes, static_cast<std::size_t>(count));
      take_frames(x_workers[index]);
    }
    x_end.is_stopped = files.back().revents != 0 && !x_workers.empty();
  }

  void take_frames(Worker& worker) {
    Frame frame;
    while (worker.unread.size() >= sizeof(frame)) {
      std::memcpy(&frame, worker.unread.data(), sizeof(frame));
      if (worker.unread.size() < sizeof(frame) + frame.text_bytes) return;
      const std::string text = worker.unread.substr(sizeof(frame), frame.text_bytes);
      worker.unread.erase(0, sizeof(frame) + frame.text_bytes);
      worker.seed = frame.seed;
      worker.late_at = Clock::now() + x_order.patience;
      if (!frame.is_result) continue;
      worker.seed.reset();
      x_listener.figures(frame.figures);
      if (!text.empty()) x_listener.failure({frame.seed, text, frame.figures.trace_hash});
    }
  }

  void end_late() {
    for (std::size_t index = x_workers.size(); index-- > 0;) {
      const Worker& worker = x_workers[index];
      if (!worker.seed || Clock::now() < worker.late_at) continue;
      kill(worker.process, SIGKILL);
      bury(index, true);
    }
  }

  /// Its seed has failed if it was at one; another process goes on with those behind it.
  void bury(std::size_t index, bool is_late) {
    const Worker worker = std::move(x_workers[index]);
    x_workers.erase(x_workers.begin() + static_cast<std::ptrdiff_t>(index));
    const int status = reap(worker);
    if (!worker.seed) return;
    const std::string how = WIFSIGNALED(status)
                                ? "signal " + std::to_string(WTERMSIG(status))
                                : "exit code " + std::to_string(WEXITSTATUS(status));
    const std::string what =
        is_late ? "it never ends: no result after " + print_seconds(x_order.patience)
                : "the process died of it, " + how;
    x_listener.failure({*worker.seed, what, {}});
    start(*worker.seed + x_order.jobs);
  }

  static std::string print_seconds(std::chrono::milliseconds time) {
    return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
  }

  const SeedOrder& x_order;
  const SeedListener& x_listener;
  std::vector<Worker> x_workers;
  SeedsEnd x_end;
};

}  // namespace

SeedsEnd run_seeds(const SeedOrder& order, const SeedListener& listener) {
  return Workers{order, listener}.run();
}

}  // namespace signalbox::cli
