#include "cli/chat/chat.hpp"

#include <iostream>
#include <iterator>

#include "cli/chat/chat_async.hpp"
#include "cli/chat/chat_call.hpp"
#include "cli/chat/repl.hpp"

namespace signalbox::cli {

int run_chat(const ChatOptions& options) {
  const auto client = ApiClient::make(options.connection);
  if (client.has_error()) return report(client.error());
  if (!options.message) return run_repl(*client, options);
  std::vector<ChatMessage> messages;
  if (!options.system.empty()) messages.push_back({"system", options.system});
  const bool is_piped = *options.message == "-";
  messages.push_back({"user", is_piped ? std::string{std::istreambuf_iterator<char>{std::cin}, {}}
                                       : *options.message});
  if (options.async) return run_chat_async(*client, options, messages);
  const auto failure = ask(*client, options, messages).failure;
  return failure ? report(*failure) : to_int(ExitCode::ok);
}

}  // namespace signalbox::cli
