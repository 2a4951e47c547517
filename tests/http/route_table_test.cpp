// Goal: every path and method means one thing, and what means nothing says so. Method: pure, no
// sockets.
#include "http/front/route_table.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

std::string allow_of(std::string_view method, std::string_view path) {
  const auto match = match_route(method, path);
  REQUIRE(match.has_error());
  REQUIRE(match.error().code == ErrorCode::method_not_allowed);
  return std::get<std::string>(match.error().details.front().second);
}

}  // namespace

TEST_CASE("route_table: names may hold slashes, plain or escaped", "[http][route_table]") {
  for (const char* path : {"/api/v1/profiles/a/b", "/api/v1/profiles/a%2Fb"}) {
    const auto match = match_route("GET", path);
    REQUIRE(match.has_value());
    CHECK(match->action == Action::get_profile);
    CHECK(match->name == "a/b");
  }
  const auto infer = match_route("POST", "/api/v1/llms/org/model/infer");
  REQUIRE(infer.has_value());
  CHECK(infer->action == Action::infer_llm);
  CHECK(infer->name == "org/model");
}

TEST_CASE("route_table: a known path with another method lists what is allowed",
          "[http][route_table]") {
  CHECK(allow_of("DELETE", "/v1/models") == "GET, HEAD");
  CHECK(allow_of("GET", "/v1/chat/completions") == "POST");
  CHECK(allow_of("POST", "/api/v1/profiles/x") == "GET, HEAD, PUT");
  CHECK(allow_of("PUT", "/api/v1/inference-tasks") == "POST, GET, HEAD");
}

TEST_CASE("route_table: a path may name a session and a task", "[http][route_table]") {
  const auto chunk = match_route("POST", "/api/v1/workers/s1/tasks/t1/chunk");
  REQUIRE(chunk.has_value());
  CHECK(chunk->action == Action::take_chunk);
  CHECK(chunk->name == "s1");
  CHECK(chunk->task == "t1");
  CHECK(match_route("POST", "/api/v1/workers/s1/tasks/t1/result")->action == Action::take_result);
  CHECK(allow_of("GET", "/api/v1/workers/s1/tasks/t1/result") == "POST");
  for (const char* path : {"/api/v1/workers/s1/tasks//chunk", "/api/v1/workers//tasks/t1/chunk",
                           "/api/v1/workers/s1/tasks/t1/t2/chunk", "/api/v1/workers/s1/x/chunk",
                           "/api/v1/workers/s1/tasks/t1", "/api/v1/workers/s1/t1"}) {
    INFO(path);
    const auto match = match_route("POST", path);
    REQUIRE(match.has_error());
    CHECK(match.error().code == ErrorCode::not_found);
  }
}

TEST_CASE("route_table: workers, agents and streams have their routes", "[http][route_table]") {
  CHECK(match_route("POST", "/api/v1/workers")->action == Action::register_worker);
  CHECK(match_route("GET", "/api/v1/workers")->action == Action::list_workers);
  CHECK(match_route("GET", "/api/v1/workers/s1")->action == Action::get_worker);
  CHECK(match_route("DELETE", "/api/v1/workers/s1")->action == Action::leave_worker);
  CHECK(match_route("POST", "/api/v1/workers/s1/heartbeat")->action == Action::heartbeat_worker);
  CHECK(match_route("POST", "/api/v1/workers/s1/drain")->action == Action::drain_worker);
  CHECK(match_route("GET", "/api/v1/workers/s1/stream")->action == Action::bind_worker);
  CHECK(match_route("GET", "/api/v1/agents")->action == Action::list_agents);
  CHECK(match_route("PUT", "/api/v1/agents/a/b")->name == "a/b");
  CHECK(match_route("DELETE", "/api/v1/agents/a")->action == Action::delete_agent);
  const auto chat = match_route("POST", "/api/v1/agents/a/chat");
  CHECK(chat->action == Action::chat_agent);
  CHECK(chat->name == "a");
  const auto stream = match_route("GET", "/api/v1/inference-tasks/t1/stream");
  CHECK(stream->action == Action::stream_task);
  CHECK(stream->name == "t1");
}

TEST_CASE("route_table: HEAD begins no stream", "[http][route_table]") {
  CHECK(allow_of("HEAD", "/api/v1/workers/s1/stream") == "GET");
  CHECK(allow_of("HEAD", "/api/v1/inference-tasks/t1/stream") == "GET");
}

TEST_CASE("route_table: unknown paths and broken escapes are not found", "[http][route_table]") {
  for (const char* path : {"/v1", "/v1/model", "/v1/models/%zz", "/v1/models/%00", "/V1/models",
                           "/api/v1/profiles/", "//v1/models"}) {
    const auto match = match_route("GET", path);
    INFO(path);
    REQUIRE(match.has_error());
    CHECK(match.error().code == ErrorCode::not_found);
  }
}

TEST_CASE("route_table: HEAD goes where GET goes", "[http][route_table]") {
  CHECK(match_route("HEAD", "/v1/models").has_value());
  CHECK(match_route("HEAD", "/v1/embeddings").has_error());
}

TEST_CASE("route_table: queries are decoded, in order", "[http][route_table]") {
  const auto query = parse_query("status=a&status=b%20c&x=1+2&flag&");
  REQUIRE(query.has_value());
  const QueryParameters expected{{"status", "a"}, {"status", "b c"}, {"x", "1 2"}, {"flag", ""}};
  CHECK(*query == expected);
  CHECK(parse_query("a=%q1").has_error());
}

}  // namespace signalbox::http
