// Goal: what is sent after each line of a conversation. Method: literal lines.
#include "cli/chat/conversation.hpp"

#include <catch2/catch.hpp>

namespace signalbox::cli {

using Messages = std::vector<ChatMessage>;

TEST_CASE("conversation: lines that are commands", "[cli][conversation]") {
  CHECK(classify_line("hello") == LineKind::question);
  CHECK(classify_line("") == LineKind::empty);
  CHECK(classify_line(" \t\r") == LineKind::empty);
  CHECK(classify_line("/reset") == LineKind::reset);
  CHECK(classify_line("  /quit \r") == LineKind::quit);
  CHECK(classify_line("/exit") == LineKind::quit);
  CHECK(classify_line("/help") == LineKind::help);
  CHECK(classify_line("/quti") == LineKind::unknown);
  CHECK(classify_line("/etc/hosts") == LineKind::question);
  CHECK(classify_line("/quit now") == LineKind::question);
}

TEST_CASE("conversation: grows, and is forgotten but for the system prompt",
          "[cli][conversation]") {
  Conversation conversation{"be brief"};
  conversation.add_question("a");
  conversation.add_answer("b");
  conversation.add_question("c");
  CHECK(conversation.messages() ==
        Messages{{"system", "be brief"}, {"user", "a"}, {"assistant", "b"}, {"user", "c"}});
  conversation.drop_question();
  CHECK(conversation.messages().back() == ChatMessage{"assistant", "b"});
  conversation.drop_question();
  CHECK(conversation.messages().size() == 3);
  conversation.reset();
  CHECK(conversation.messages() == Messages{{"system", "be brief"}});
  CHECK(Conversation{""}.messages().empty());
}

}  // namespace signalbox::cli
