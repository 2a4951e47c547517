#include "cli/chat/chat_call.hpp"

#include "cli/client/output.hpp"

namespace signalbox::cli {
namespace {

ApiCall make_call(const ChatOptions& options, const std::vector<ChatMessage>& messages) {
  ApiCall call;
  call.method = "POST";
  call.path = options.target == ChatTarget::agent
                  ? find_resource("agents")->path + "/" + percent_encode(options.name) + "/chat"
                  : "/v1/chat/completions";
  call.body = make_chat_body(options, messages);
  if (options.priority) {
    call.headers.emplace_back("X-Signalbox-Priority", to_string(*options.priority));
  }
  return call;
}

/// print_out() said why.
Failure not_printed() {
  return {ExitCode::failure, ""};
}

ChatAnswer print_answer(const std::string& body) {
  const auto text = read_chat_answer(body);
  if (text.has_error()) return {"", text.error()};
  if (!print_out(*text + "\n")) return {"", not_printed()};
  return {*text, std::nullopt};
}

ChatAnswer ask_whole(const ApiClient& client, const ApiCall& call, bool is_json) {
  const auto answer = client.call(call);
  if (answer.has_error()) return {"", answer.error()};
  if (!is_json) return print_answer(answer->body);
  if (!print_out(answer->body + "\n")) return {"", not_printed()};
  return {answer->body, std::nullopt};
}

ChatAnswer ask_stream(const ApiClient& client, ApiCall call) {
  ChatStream stream;
  std::string said;
  bool is_printed = true;
  call.on_piece = [&](std::string_view piece) {
    const std::string text = stream.feed(piece);
    if (text.empty()) return true;
    said += text;
    is_printed = print_out(text);
    // Nobody reads on: the closed connection tells the daemon to stop too.
    return is_printed;
  };
  const auto answer = client.call(call);
  if (!said.empty() && said.back() != '\n' && is_printed) is_printed = print_out("\n");
  if (!is_printed) return {said, not_printed()};
  // A server that does not stream answers whole.
  if (answer.has_value() && !answer->body.empty()) return print_answer(answer->body);
  if (answer.has_error() && !stream.has_failed()) return {said, answer.error()};
  return {said, stream.finish()};
}

}  // namespace

ChatAnswer ask(const ApiClient& client, const ChatOptions& options,
               const std::vector<ChatMessage>& messages, CallStop* stop) {
  ApiCall call = make_call(options, messages);
  call.stop = stop;
  return options.stream ? ask_stream(client, std::move(call))
                        : ask_whole(client, call, options.json);
}

}  // namespace signalbox::cli
