// Goal: pools are shown and changed as the contract says, and a call's session reaches the broker.
// Method: requests from the route table to the answer, with actors that play a script.
#include <catch2/catch.hpp>

#include "http/text/json_members.hpp"
#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

Response answer(FakeHouse& house, std::string method, std::string path, std::string body = {}) {
  FakeClient client;
  house.handle(request_to(std::move(method), std::move(path), std::move(body)), client);
  return client.answer;
}

std::string error_code(const Response& response) {
  return unquote(value_of(value_of(response.body, "error"), "code")).value_or("");
}

/// @returns the session that a call with this header and body is submitted with.
std::string session_of(const std::string& path, const std::string& header,
                       const std::string& body) {
  FakeHouse house;
  auto session = std::make_shared<std::string>();
  house.script->submit = [session](actors::SubmitTask& submit) {
    *session = submit.session;
    actors::TaskRefused refused;
    refused.call = submit.call;
    refused.error = make_error(ErrorCode::queue_full, "full");
    caf::anon_send(submit.listener, refused);
  };
  Request request = request_to("POST", path, body);
  if (!header.empty()) request.headers.emplace_back("X-Signalbox-Session", header);
  FakeClient client;
  house.handle(std::move(request), client);
  CHECK(error_code(client.answer) == "queue_full");
  return *session;
}

}  // namespace

TEST_CASE("pools: a choice is set, shown, and refused when it is none", "[http][pools]") {
  FakeHouse house;
  CHECK(answer(house, "GET", "/api/v1/pools").body == R"({"pools":[]})");
  const Response made = answer(house, "PUT", "/api/v1/pools/chat", R"({"choice":"affinity"})");
  CHECK(made.status == 200);
  CHECK(made.body == R"({"name":"chat","choice":"affinity","llms":[],"sessions":0})");
  CHECK(answer(house, "GET", "/api/v1/pools/chat").body == made.body);
  CHECK(answer(house, "GET", "/api/v1/pools").body == R"({"pools":[)" + made.body + "]}");
  CHECK(answer(house, "GET", "/api/v1/pools/nobody").status == 404);
  for (const char* body : {R"({"choice":"random"})", R"({"choice":7})", "{}",
                           R"({"choice":"affinity","weight":2})", R"({"choice":null})"}) {
    CAPTURE(body);
    const Response refused = answer(house, "PUT", "/api/v1/pools/other", body);
    CHECK(refused.status == 400);
    CHECK(error_code(refused) == "invalid_request");
  }
  CHECK(error_code(answer(house, "PUT", "/api/v1/pools/other", "[")) == "invalid_json");
  CHECK(answer(house, "PUT", "/api/v1/pools/a%20b", R"({"choice":"affinity"})").status == 400);
  CHECK(house.script->pools.size() == 1);
}

TEST_CASE("pools: who may look and who may change", "[http][pools]") {
  FakeHouse house;
  house.caller.has_all = false;
  house.caller.grants = {"profiles:view"};
  CHECK(answer(house, "GET", "/api/v1/pools").status == 200);
  CHECK(answer(house, "PUT", "/api/v1/pools/p", R"({"choice":"affinity"})").status == 403);
  house.caller.grants = {"profiles:edit"};
  CHECK(answer(house, "PUT", "/api/v1/pools/p", R"({"choice":"affinity"})").status == 200);
}

TEST_CASE("pools: a call's session is its header's, else its body's user", "[http][pools]") {
  const std::string chat = R"({"model":"m","messages":[],"user":"alice"})";
  CHECK(session_of("/v1/chat/completions", "", chat) == "alice");
  CHECK(session_of("/v1/chat/completions", "tab 3", chat) == "tab 3");
  CHECK(session_of("/v1/completions", "", R"({"model":"m","prompt":"x"})").empty());
  CHECK(session_of("/api/v1/llms/m/infer", "", R"({"prompt":"x","user":"bob"})") == "bob");
  CHECK(session_of("/api/v1/inference-tasks", "",
                   R"({"model":"m","request":{"prompt":"x","user":"bob"}})") == "bob");
  CHECK(session_of("/api/v1/inference-tasks", "h",
                   R"({"model":"m","request":{"prompt":"x","user":"bob"}})") == "h");
  // What cannot be a key is none, and no reason to refuse a body of OpenAI's.
  for (const std::string& user : {std::string{"7"}, std::string{"null"}, std::string{R"("")"},
                                  '"' + std::string(256, 'x') + '"', std::string{R"("\u00e4")"}}) {
    CAPTURE(user);
    CHECK(
        session_of("/v1/chat/completions", "", R"({"model":"m","messages":[],"user":)" + user + "}")
            .empty());
  }
}

TEST_CASE("pools: the session's header goes no further, and the body stays as it was",
          "[http][pools]") {
  FakeHouse house;
  auto request = std::make_shared<Bytes>();
  house.script->submit = [request](actors::SubmitTask& submit) {
    *request = submit.request;
    CHECK(submit.task.traceparent.empty());
    actors::TaskRefused refused;
    refused.call = submit.call;
    refused.error = make_error(ErrorCode::queue_full, "full");
    caf::anon_send(submit.listener, refused);
  };
  const std::string body = R"({"model":"m","messages":[],"user":"alice"})";
  Request call = request_to("POST", "/v1/chat/completions", body);
  call.headers.emplace_back("X-Signalbox-Session", "secret-session");
  FakeClient client;
  house.handle(std::move(call), client);
  REQUIRE(*request);
  CHECK(**request == body);
}

}  // namespace signalbox::http
