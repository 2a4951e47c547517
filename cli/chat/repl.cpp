#include "cli/chat/repl.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "cli/chat/chat_call.hpp"
#include "cli/chat/conversation.hpp"
#include "cli/client/interrupts.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* help =
    "/reset forgets what was said, /quit or Ctrl-D ends, Ctrl-C stops an "
    "answer\n";

/// For people, so never on stdout.
void tell(const std::string& text) {
  std::fputs(text.c_str(), stderr);
}

class Repl {
 public:
  Repl(const ApiClient& client, const ChatOptions& options, bool is_terminal)
      : x_client{client},
        x_options{options},
        x_is_terminal{is_terminal},
        x_conversation{options.system} {}

  int run() {
    std::string line;
    bool had_lines = false;
    while (read_line(line)) {
      const LineKind kind = classify_line(line);
      if (kind == LineKind::quit) return to_int(ExitCode::ok);
      had_lines = had_lines || kind != LineKind::empty;
      const auto failure = take(kind, line);
      if (failure && !x_is_terminal) return to_int(failure->exit_code);
    }
    if (x_is_terminal) tell("\n");
    if (x_is_terminal || had_lines) return to_int(ExitCode::ok);
    return report({ExitCode::usage, "no question: give -m TEXT, or one per line on stdin"});
  }

  /// From another thread.
  void interrupt() {
    if (x_stop.is_running()) {
      x_stop.stop();
    } else {
      tell("\n(/quit or Ctrl-D ends)\n> ");
    }
  }

 private:
  bool read_line(std::string& line) {
    if (x_is_terminal) tell("> ");
    return static_cast<bool>(std::getline(std::cin, line));
  }

  std::optional<Failure> take(LineKind kind, const std::string& line) {
    switch (kind) {
      case LineKind::question:
        return answer(line);
      case LineKind::reset:
        x_conversation.reset();
        if (x_is_terminal) tell("(forgotten)\n");
        break;
      case LineKind::help:
        tell(help);
        break;
      case LineKind::unknown:
        tell("no command " + to_printable(line) + "; " + help);
        break;
      case LineKind::empty:
      case LineKind::quit:
        break;
    }
    return std::nullopt;
  }

  std::optional<Failure> answer(const std::string& question) {
    x_conversation.add_question(question);
    ChatAnswer answer = ask(x_client, x_options, x_conversation.messages(), &x_stop);
    if (answer.failure && answer.failure->exit_code == ExitCode::interrupted) {
      tell("(stopped)\n");
      answer.failure.reset();
    }
    if (answer.failure) report(*answer.failure);
    // What was said before a stop or a failure was said.
    if (answer.text.empty()) {
      x_conversation.drop_question();
    } else {
      x_conversation.add_answer(std::move(answer.text));
    }
    return answer.failure;
  }

  const ApiClient& x_client;
  const ChatOptions& x_options;
  const bool x_is_terminal;
  Conversation x_conversation;
  CallStop x_stop;
};

}  // namespace

int run_repl(const ApiClient& client, const ChatOptions& options) {
  const bool is_terminal = isatty(STDIN_FILENO) != 0;
  Repl repl{client, options, is_terminal};
  if (!is_terminal) return repl.run();
  tell("Talking to " + to_printable(options.name) + ". " + help);
  const Interrupts interrupts{[&repl] { repl.interrupt(); }};
  return repl.run();
}

}  // namespace signalbox::cli
