#include "core/base/token_usage.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace signalbox {
namespace {

constexpr std::string_view chat_usage =
    R"({"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}})";

}  // namespace

TEST_CASE("token_usage: what backends say", "[core]") {
  CHECK(read_token_usage(chat_usage) == TokenUsage{12, 34});
  CHECK(read_token_usage("{\"usage\" : { \"completion_tokens\" : 7 }\n}") ==
        TokenUsage{std::nullopt, 7});
  // Embeddings have nothing that came out.
  CHECK(read_token_usage(R"({"usage":{"prompt_tokens":5,"total_tokens":5}})") ==
        TokenUsage{5, std::nullopt});
  CHECK(read_token_usage(R"({"usage":{"completion_tokens":9,"prompt_tokens":1,)"
                         R"("completion_tokens_details":{"reasoning_tokens":4}}})") ==
        TokenUsage{1, 9});
  CHECK(read_token_usage(R"({"output":[],"stats":{"input_tokens":3,"total_output_tokens":8}})") ==
        TokenUsage{3, 8});
}

TEST_CASE("token_usage: at either end of a long body", "[core]") {
  const std::string filler(200'000, 'x');
  CHECK(read_token_usage(R"({"usage":{"prompt_tokens":5},"data":")" + filler + "\"}") ==
        TokenUsage{5, std::nullopt});
  CHECK(read_token_usage("{\"data\":\"" + filler + R"(","usage":{"prompt_tokens":6}})") ==
        TokenUsage{6, std::nullopt});
  CHECK(read_token_usage("{\"data\":\"" + filler + R"(","usage":{"prompt_tokens":6},"rest":")" +
                         filler + "\"}") == TokenUsage{});
}

TEST_CASE("token_usage: what is not said is not known", "[core]") {
  for (const std::string_view body :
       {"", "{}", "no JSON", R"({"usage":null})", R"({"usage":{}})", R"({"usage")", R"({"usage":)",
        R"({"usage":{"prompt_tokens":)", R"({"usage":{"prompt_tokens":"12"}})",
        R"({"usage":{"prompt_tokens":-1,"completion_tokens":99999999999}})"}) {
    CAPTURE(body);
    CHECK(read_token_usage(body) == TokenUsage{});
  }
}

TEST_CASE("token_usage: text of the answer is no usage", "[core]") {
  CHECK(read_token_usage(
            R"({"content":"\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}"})") ==
        TokenUsage{});
}

TEST_CASE("token_usage: any part of a body is read without harm", "[core]") {
  for (std::size_t size = 0; size < chat_usage.size(); ++size) {
    const auto usage = read_token_usage(chat_usage.substr(0, size));
    CHECK((!usage.in || *usage.in == 12 || *usage.in == 1));
    CHECK((!usage.out || *usage.out == 34 || *usage.out == 3));
  }
}

}  // namespace signalbox
