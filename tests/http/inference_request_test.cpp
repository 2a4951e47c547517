// Goal: a body is read just far enough, and every byte that is not ours to change stays. Pure.
#include "http/surfaces/inference_request.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

Error refused(const std::string& body, TaskKind kind = TaskKind::chat) {
  const auto read = read_inference_request(body, kind, ModelMember::required);
  REQUIRE(read.has_error());
  return read.error();
}

}  // namespace

TEST_CASE("inference_request: keeps the body byte for byte", "[http][inference_request]") {
  const std::string body =
      R"({ "temperature":1e400,"model":"m","messages":[], "x":0.10, "service_tier":"auto"})";
  const auto read = read_inference_request(body, TaskKind::chat, ModelMember::required);
  REQUIRE(read.has_value());
  CHECK(read->body == body);
  CHECK(read->model == "m");
  CHECK_FALSE(read->streaming);
  CHECK_FALSE(read->priority.priority);
}

TEST_CASE("inference_request: a tier used as a priority is taken out",
          "[http][inference_request]") {
  const auto read =
      read_inference_request(R"({"model":"m","service_tier":"flex","messages":[],"stream":true})",
                             TaskKind::chat, ModelMember::required);
  REQUIRE(read.has_value());
  CHECK(read->body.find("service_tier") == std::string::npos);
  CHECK(read->priority.priority == Priority::background);
  CHECK(read->streaming);
}

TEST_CASE("inference_request: names the field at fault", "[http][inference_request]") {
  CHECK(refused("{").code == ErrorCode::invalid_json);
  CHECK(refused("[]").code == ErrorCode::invalid_json);
  CHECK(refused("").code == ErrorCode::invalid_json);
  CHECK(refused(R"({"messages":[]})").param == "model");
  CHECK(refused(R"({"model":7,"messages":[]})").param == "model");
  CHECK(refused(R"({"model":"","messages":[]})").param == "model");
  CHECK(refused(R"({"model":"m"})").param == "messages");
  CHECK(refused(R"({"model":"m","messages":"hi"})").param == "messages");
  CHECK(refused(R"({"model":"m","messages":[],"stream":"yes"})").param == "stream");
  CHECK(refused(R"({"model":"m","model":"n","messages":[]})").param == "model");
  CHECK(refused(R"({"model":"m"})", TaskKind::completion).param == "prompt");
  CHECK(refused(R"({"model":"m"})", TaskKind::embedding).param == "input");
  CHECK(refused(R"({"model":"m","input":"x","stream":true})", TaskKind::embedding).param ==
        "stream");
}

TEST_CASE("inference_request: the size is what the body says, or nothing",
          "[http][inference_request]") {
  const auto tokens_out = [](const std::string& member, TaskKind kind = TaskKind::chat) {
    return declared_size("{" + member + "}", kind).tokens_out_max;
  };
  CHECK(tokens_out(R"("max_tokens":7)") == 7);
  CHECK(tokens_out(R"("max_completion_tokens":8,"max_tokens":7)") == 8);
  CHECK(tokens_out(R"("max_output_tokens":9)", TaskKind::native_chat) == 9);
  CHECK(tokens_out(R"("max_completion_tokens":null,"max_tokens":7)") == 7);
  CHECK(tokens_out(R"("max_completion_tokens":"x","max_tokens":7)") == 7);
  for (const char* none : {"", R"("max_tokens":null)", R"("max_tokens":-1)", R"("max_tokens":1.5)",
                           R"("max_tokens":"7")", R"("max_tokens":99999999999)"}) {
    CAPTURE(none);
    CHECK(tokens_out(none) == 0);
  }
  CHECK(tokens_out(R"("max_tokens":7)", TaskKind::embedding) == 1);
  CHECK(declared_size("{}", TaskKind::chat).tokens_in == 1);
  CHECK(declared_size(R"({"a":1})", TaskKind::chat).tokens_in == 2);
  const auto read = read_inference_request(R"({"model":"m","messages":[],"max_tokens":5})",
                                           TaskKind::chat, ModelMember::required);
  REQUIRE(read.has_value());
  CHECK(read->size == CallSize{11, 5});
}

}  // namespace signalbox::http
