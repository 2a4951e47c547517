#include "cli/show/top.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/client/api_client.hpp"
#include "cli/client/output.hpp"
#include "cli/show/fetch.hpp"
#include "cli/show/full_screen.hpp"
#include "cli/show/top_frame.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{5};
/// What elapses is shown anew without news too.
constexpr int tick_ms = 1000;

Outcome<std::string> ask_state(const ApiClient& client) {
  ApiCall call;
  call.path = "/broker/state";
  call.patience = patience;
  auto answer = client.call(call);
  if (answer.has_error()) return answer.error();
  if (http::scan_object(answer->body).has_error()) return not_understood();
  return std::move(answer->body);
}

/// Asks in a thread of its own, so that a daemon that is slow or away does not hold up the keys.
class StatePoller {
 public:
  StatePoller(const ApiClient& client, std::chrono::milliseconds interval, TopView first)
      : x_client{client},
        x_interval{interval},
        x_view{std::move(first)},
        x_news{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
        x_thread{[this] { keep(); }} {}

  /// Readable when there is something new.
  [[nodiscard]] int news() const { return x_news; }

  TopView take() {
    eventfd_t count = 0;
    eventfd_read(x_news, &count);
    const std::lock_guard lock{x_mutex};
    TopView view = x_view;
    view.silence = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - x_heard_at);
    return view;
  }

 private:
  [[noreturn]] void keep() {
    while (true) {
      std::this_thread::sleep_for(x_interval);
      auto state = ask_state(x_client);
      {
        const std::lock_guard lock{x_mutex};
        x_view.trouble = state.has_error() ? state.error().message : "";
        if (state.has_value()) {
          x_view.state = std::move(*state);
          x_heard_at = Clock::now();
        }
      }
      eventfd_write(x_news, 1);
    }
  }

  const ApiClient& x_client;
  const std::chrono::milliseconds x_interval;
  std::mutex x_mutex;
  TopView x_view;
  Clock::time_point x_heard_at = Clock::now();
  const int x_news;
  // Never joined: it may be in the middle of a question, and the process ends with the screen.
  std::thread x_thread;
};

/// The signals that concern a screen, as something to read.
int open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/// @returns the exit code when the signal ends the program.
std::optional<int> take_signal(int signals, FullScreen& screen) {
  signalfd_siginfo info{};
  if (read(signals, &info, sizeof info) != sizeof info) return std::nullopt;
  const auto number = static_cast<int>(info.ssi_signo);
  if (number == SIGWINCH) return std::nullopt;
  if (number != SIGTSTP) return 128 + number;
  screen.leave();
  std::raise(SIGSTOP);
  screen.enter();
  return std::nullopt;
}

/// @returns whether the key, or the end of all keys, ends the program.
bool take_keys() {
  std::array<char, 64> keys{};
  const ssize_t size = read(STDIN_FILENO, keys.data(), keys.size());
  if (size <= 0) return true;
  const auto end = keys.begin() + size;
  return std::find_if(keys.begin(), end, [](char key) { return key == 'q' || key == 'Q'; }) != end;
}

int keep_screen(StatePoller& poller, WallClock& clock, int signals, FullScreen& screen) {
  const bool has_keys = isatty(STDIN_FILENO) == 1;
  while (true) {
    const FrameSize size{terminal_width(), terminal_height()};
    if (!screen.paint(make_frame(poller.take(), size, clock.now())))
      return to_int(ExitCode::failure);
    std::array<pollfd, 3> sources{pollfd{signals, POLLIN, 0}, pollfd{poller.news(), POLLIN, 0},
                                  pollfd{has_keys ? STDIN_FILENO : -1, POLLIN, 0}};
    poll(sources.data(), sources.size(), tick_ms);
    if (sources[0].revents != 0) {
      if (const auto code = take_signal(signals, screen)) return *code;
    }
    if (sources[2].revents != 0 && take_keys()) return to_int(ExitCode::ok);
  }
}

[[noreturn]] void run_live(const ApiClient& client, const TopOptions& options, TopView first,
                           WallClock& clock) {
  // Before the first thread, so that all have it.
  const int signals = open_signals();
  StatePoller poller{client, options.interval, std::move(first)};
  int code = 0;
  {
    FullScreen screen;
    code = keep_screen(poller, clock, signals, screen);
  }
  _exit(code);
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

int run_top(const TopOptions& options, WallClock& clock) {
  const auto client = ApiClient::make(options.connection);
  if (client.has_error()) return report(client.error());
  auto state = ask_state(*client);
  if (state.has_error()) return report(state.error());
  TopView view{options.connection.url, std::move(*state)};
  const std::size_t width = terminal_width();
  if (!options.once && width > 0) run_live(*client, options, std::move(view), clock);
  const bool is_printed = print_out(join_lines(make_frame(view, {width, 0}, clock.now())));
  return to_int(is_printed ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli
