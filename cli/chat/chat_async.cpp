#include "cli/chat/chat_async.hpp"

#include <cstdio>

#include "cli/client/output.hpp"
#include "cli/show/fetch.hpp"
#include "core/base/error.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

Outcome<ApiAnswer> submit(const ApiClient& client, const ChatOptions& options,
                          const std::vector<ChatMessage>& messages, std::string_view member) {
  ApiCall call;
  call.method = "POST";
  call.path = find_resource("tasks")->path;
  call.body = make_task_body(options, messages, member);
  if (options.priority) {
    call.headers.emplace_back("X-Signalbox-Priority", to_string(*options.priority));
  }
  return client.call(call);
}

Outcome<ApiAnswer> submit_to_any(const ApiClient& client, const ChatOptions& options,
                                 const std::vector<ChatMessage>& messages) {
  if (options.target == ChatTarget::agent) return submit(client, options, messages, "agent");
  auto answer = submit(client, options, messages, "llm");
  const bool is_no_llm =
      answer.has_error() && answer.error().code == to_string(ErrorCode::llm_not_found);
  // A pool or a model goes by that name, perhaps.
  return is_no_llm ? submit(client, options, messages, "model") : answer;
}

}  // namespace

int run_chat_async(const ApiClient& client, const ChatOptions& options,
                   const std::vector<ChatMessage>& messages) {
  const auto answer = submit_to_any(client, options, messages);
  if (answer.has_error()) return report(answer.error());
  if (http::check_json(answer->body).has_error()) return report(not_understood());
  const auto id = http::unquote(http::value_of(answer->body, "id"));
  if (!id || id->empty()) return report(not_understood());
  const std::string shown = to_printable(*id);
  if (!print_out(shown + "\n")) return to_int(ExitCode::failure);
  std::fprintf(stderr, "queued for %s; follow it with: signalbox get task %s --watch\n",
               to_printable(options.name).c_str(), shown.c_str());
  return to_int(ExitCode::ok);
}

}  // namespace signalbox::cli
