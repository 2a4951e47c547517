#include "cli/chat_llm.hpp"

#include <iostream>
#include <iterator>

#include "cli/api_client.hpp"
#include "cli/chat_stream.hpp"
#include "cli/output.hpp"

namespace signalbox::cli {
namespace {

ApiCall make_call(const ChatOptions& options, const std::string& message) {
  ApiCall call;
  call.method = "POST";
  call.path = "/v1/chat/completions";
  call.body = make_chat_body(options, message);
  if (options.priority) {
    call.headers.emplace_back("X-Signalbox-Priority", to_string(*options.priority));
  }
  return call;
}

int print_answer(const std::string& body) {
  const auto text = read_chat_answer(body);
  if (text.has_error()) return report(text.error());
  return to_int(print_out(*text + "\n") ? ExitCode::ok : ExitCode::failure);
}

int run_whole(const ApiClient& client, const ApiCall& call, bool is_json) {
  const auto answer = client.call(call);
  if (answer.has_error()) return report(answer.error());
  if (!is_json) return print_answer(answer->body);
  return to_int(print_out(answer->body + "\n") ? ExitCode::ok : ExitCode::failure);
}

int run_stream(const ApiClient& client, ApiCall call) {
  ChatStream stream;
  bool is_printed = true;
  char last = '\n';
  call.on_piece = [&](std::string_view piece) {
    const std::string text = stream.feed(piece);
    if (text.empty()) return true;
    last = text.back();
    is_printed = print_out(text);
    // Nobody reads on: the closed connection tells the daemon to stop too.
    return is_printed;
  };
  const auto answer = client.call(call);
  if (last != '\n' && is_printed) is_printed = print_out("\n");
  if (!is_printed) return to_int(ExitCode::failure);
  // A server that does not stream answers whole.
  if (answer.has_value() && !answer->body.empty()) return print_answer(answer->body);
  if (answer.has_error() && !stream.has_failed()) return report(answer.error());
  if (const auto failure = stream.finish()) return report(*failure);
  return to_int(ExitCode::ok);
}

}  // namespace

int run_chat(const ChatOptions& options) {
  const auto client = ApiClient::make(options.connection);
  if (client.has_error()) return report(client.error());
  std::string message = options.message;
  if (message == "-") message = {std::istreambuf_iterator<char>{std::cin}, {}};
  const ApiCall call = make_call(options, message);
  return options.stream ? run_stream(*client, call) : run_whole(*client, call, options.json);
}

}  // namespace signalbox::cli
