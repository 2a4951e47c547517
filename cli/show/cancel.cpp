#include "cli/show/cancel.hpp"

#include "cli/client/output.hpp"
#include "cli/show/fetch.hpp"
#include "core/tasks/task.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

/// @returns the task's state after the call.
Outcome<std::string> cancel(const ApiClient& client, const std::string& id) {
  ApiCall call;
  call.method = "DELETE";
  call.path = find_resource("tasks")->path + "/" + percent_encode(id);
  const auto answer = client.call(call);
  if (answer.has_error()) return answer.error();
  if (http::check_json(answer->body).has_error()) return not_understood();
  const auto status = http::unquote(http::value_of(answer->body, "status"));
  if (!status) return not_understood();
  return to_printable(*status);
}

Failure still_there(const std::string& id, const std::string& status) {
  return {ExitCode::failure, "task " + id + " is " + status +
                                 " still; its end is on its way: signalbox get task " + id +
                                 " --watch"};
}

}  // namespace

int run_cancel(const CancelOptions& options) {
  const auto client = ApiClient::make(options.connection);
  if (client.has_error()) return report(client.error());
  ExitCode exit_code = ExitCode::ok;
  for (const std::string& id : options.ids) {
    const std::string shown = to_printable(id);
    const auto status = cancel(*client, id);
    if (status.has_error()) {
      if (exit_code == ExitCode::ok) exit_code = status.error().exit_code;
      report({status.error().exit_code, shown + ": " + status.error().message});
      // Neither would the next ones be taken.
      if (status.error().exit_code == ExitCode::unreachable) break;
      continue;
    }
    if (!print_out(shown + "  " + *status + "\n")) return to_int(ExitCode::failure);
    const auto state = parse_task_state(*status);
    if (state && is_terminal(*state)) continue;
    report(still_there(shown, *status));
    if (exit_code == ExitCode::ok) exit_code = ExitCode::failure;
  }
  return to_int(exit_code);
}

}  // namespace signalbox::cli
