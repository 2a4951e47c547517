#include "cli/show/watch.hpp"

#include <algorithm>
#include <optional>
#include <thread>

#include "cli/client/output.hpp"
#include "cli/show/fetch.hpp"
#include "cli/show/render.hpp"
#include "cli/show/task_follow.hpp"
#include "core/tasks/task.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

/// A stream that ends early is asked for again; so often in a row without news, and no more.
constexpr int fruitless_max = 5;

/// @returns the escape sequence that goes back over what was painted and wipes it.
std::string wipe(std::size_t lines) {
  return lines == 0 ? "" : "\x1b[" + std::to_string(lines) + "A\x1b[J";
}

/// A list that is left open outlives a restart of the daemon: once it was there, it is waited for.
class PatientFetch {
 public:
  PatientFetch(const ApiClient& client, const GetOptions& options)
      : x_client{client}, x_options{options} {}

  Outcome<Fetched> fetch() {
    while (true) {
      auto fetched = fetch_rows(x_client, x_options);
      const bool is_away =
          fetched.has_error() && fetched.error().exit_code == ExitCode::unreachable && x_was_there;
      if (!is_away) {
        x_was_there = true;
        x_is_told = false;
        return fetched;
      }
      if (!x_is_told) report({ExitCode::ok, "the daemon is away; waiting for it"});
      x_is_told = true;
      std::this_thread::sleep_for(x_options.interval);
    }
  }

 private:
  const ApiClient& x_client;
  const GetOptions& x_options;
  bool x_was_there = false;
  bool x_is_told = false;
};

int repaint(const ApiClient& client, const GetOptions& options, WallClock& clock) {
  std::size_t painted = 0;
  PatientFetch patient{client, options};
  while (true) {
    const auto fetched = patient.fetch();
    if (fetched.has_error()) return report(fetched.error());
    const std::size_t width = terminal_width();
    // The cursor stands below the last line, which takes one of them.
    const std::size_t height = std::max<std::size_t>(terminal_height(), 2) - 1;
    const std::string text =
        fit_screen(render(*fetched, options, clock.now(), width), width, height);
    if (!print_out(wipe(painted) + text)) return to_int(ExitCode::failure);
    painted = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    std::this_thread::sleep_for(options.interval);
  }
}

int print_changes(const ApiClient& client, const GetOptions& options, WallClock& clock) {
  ChangedRows changed{options};
  PatientFetch patient{client, options};
  while (true) {
    const auto fetched = patient.fetch();
    if (fetched.has_error()) return report(fetched.error());
    const std::string text = changed.take(fetched->rows, clock.now());
    if (!text.empty() && !print_out(text)) return to_int(ExitCode::failure);
    std::this_thread::sleep_for(options.interval);
  }
}

ApiCall make_stream_call(const GetOptions& options, const TaskFollow& follow) {
  ApiCall call;
  call.path = options.resource->path + "/" + percent_encode(*options.name) + "/stream";
  call.headers.emplace_back("Accept", "text/event-stream");
  if (!follow.last_event_id().empty()) {
    call.headers.emplace_back("Last-Event-ID", follow.last_event_id());
  }
  return call;
}

/// A stream may end without the task's end: the daemon knows that it was told before the connection
/// broke. @returns the row when the task is over.
std::optional<std::string> find_end(const ApiClient& client, const GetOptions& options) {
  const auto row = fetch_row(client, *options.resource, *options.name);
  if (row.has_error()) return std::nullopt;
  const auto status = http::unquote(http::value_of(*row, "status"));
  const auto state = parse_task_state(status.value_or(""));
  return state && is_terminal(*state) ? std::optional{*row} : std::nullopt;
}

int follow_task(const ApiClient& client, const GetOptions& options) {
  TaskFollow follow{options.format};
  for (int fruitless = 0; fruitless < fruitless_max; ++fruitless) {
    bool is_printed = true;
    bool has_news = false;
    ApiCall call = make_stream_call(options, follow);
    call.on_piece = [&](std::string_view piece) {
      const std::string text = follow.feed(piece);
      has_news = has_news || !text.empty();
      is_printed = text.empty() || print_out(text);
      return is_printed && !follow.is_over();
    };
    const auto answer = client.call(call);
    if (!is_printed) return to_int(ExitCode::failure);
    if (follow.is_over()) return report(follow.ending());
    if (answer.has_error() && !has_news) return report(answer.error());
    if (answer.has_value() && !answer->body.empty()) return report(not_understood());
    if (const auto row = find_end(client, options)) {
      if (!print_out(follow.take_end(*row))) return to_int(ExitCode::failure);
      return report(follow.ending());
    }
    if (has_news) fruitless = 0;
    std::this_thread::sleep_for(options.interval);
  }
  return report({ExitCode::failure,
                 "the task's stream ends again and again without the task's end; "
                 "`signalbox get task ID` shows where it is"});
}

}  // namespace

int run_watch(const ApiClient& client, const GetOptions& options, WallClock& clock) {
  const bool is_task = options.resource == find_resource("tasks");
  if (is_task && options.name) return follow_task(client, options);
  const bool is_table =
      options.format == OutputFormat::table || options.format == OutputFormat::wide;
  if (is_table && terminal_width() > 0) return repaint(client, options, clock);
  return print_changes(client, options, clock);
}

}  // namespace signalbox::cli
