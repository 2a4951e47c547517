// Goal: one caller per request, known by digest; errors keep their shape and statuses.
#include "http/front/auth.hpp"

#include <catch2/catch.hpp>

#include "http/application.hpp"
#include "http/front/error_response.hpp"
#include "http/front/status_mapping.hpp"

namespace signalbox::http {
namespace {

Authenticator with_key(std::vector<std::string> grants = {}) {
  config::AuthSettings settings;
  settings.mode = config::AuthMode::keys;
  config::KeySettings key;
  key.id = "laptop";
  key.owner = "alice";
  key.sha256 = sha256_hex("secret");
  key.grants = std::move(grants);
  key.max_priority = Priority::workflow;
  settings.keys.push_back(key);
  return Authenticator{settings};
}

ErrorCode code_of(const Headers& headers) {
  const auto caller = with_key().authenticate(headers);
  return caller.has_error() ? caller.error().code : ErrorCode::none;
}

}  // namespace

TEST_CASE("auth: a key is known by its digest, in either header", "[http][auth]") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(code_of({{"Authorization", "Bearer secret"}}) == ErrorCode::none);
  CHECK(code_of({{"authorization", "bearer  secret"}}) == ErrorCode::none);
  CHECK(code_of({{"X-Api-Key", "secret"}}) == ErrorCode::none);
  CHECK(code_of({}) == ErrorCode::unauthorized);
  CHECK(code_of({{"Authorization", "Basic secret"}}) == ErrorCode::unauthorized);
  CHECK(code_of({{"Authorization", "Bearer Secret"}}) == ErrorCode::unauthorized);
  CHECK(code_of({{"Authorization", "Bearer secret"}, {"X-Api-Key", "other"}}) ==
        ErrorCode::invalid_request);
}

TEST_CASE("auth: grants given replace what a key may do without any", "[http][auth]") {
  const Headers headers{{"X-Api-Key", "secret"}};
  const auto plain = with_key().authenticate(headers);
  CHECK(plain->owner == "alice");
  CHECK(plain->may("tasks:create"));
  CHECK_FALSE(plain->may("tasks:view"));
  CHECK_FALSE(plain->may("profiles:edit"));
  const auto viewer = with_key({"tasks:view"}).authenticate(headers);
  CHECK(viewer->may("tasks:view"));
  CHECK_FALSE(viewer->may("tasks:create"));
}

TEST_CASE("auth: keys are replaced, and are asked for from then on", "[http][auth]") {
  config::AuthSettings settings;
  Authenticator authenticator{settings};
  CHECK(authenticator.authenticate(Headers{})->has_all);
  settings.mode = config::AuthMode::keys;
  config::KeySettings key;
  key.owner = "bob";
  key.sha256 = sha256_hex("other");
  settings.keys.push_back(key);
  CHECK_FALSE(authenticator.replace(settings));
  CHECK(authenticator.authenticate(Headers{}).error().code == ErrorCode::unauthorized);
  CHECK(authenticator.authenticate(Headers{{"X-Api-Key", "other"}})->owner == "bob");
  settings.keys[0].sha256 = sha256_hex("newer");
  CHECK_FALSE(authenticator.replace(settings));
  CHECK(authenticator.authenticate(Headers{{"X-Api-Key", "other"}}).has_error());
  CHECK(authenticator.authenticate(Headers{{"X-Api-Key", "newer"}})->owner == "bob");
  const auto error = authenticator.replace({});
  REQUIRE(error);
  CHECK(error->param == "auth.mode");
  CHECK(authenticator.authenticate(Headers{}).has_error());
  CHECK(authenticator.authenticate(Headers{{"X-Api-Key", "newer"}})->owner == "bob");
}

TEST_CASE("auth: mode none is one local caller who may do all", "[http][auth]") {
  const auto caller = Authenticator{{}}.authenticate(Headers{});
  CHECK(caller->owner == "local");
  CHECK(caller->may("admin:edit"));
}

TEST_CASE("host: literals, localhost and configured names are answered", "[http][auth]") {
  const std::vector<std::string> allowed{"box.lan"};
  for (const char* host : {"127.0.0.1", "127.0.0.1:8642", "[::1]:8642", "localhost", "LOCALHOST:1",
                           "Box.Lan:80", "10.0.0.7"}) {
    INFO(host);
    CHECK(is_host_allowed(host, allowed));
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "", ":80", "127.0.0.1.evil"}) {
    INFO(host);
    CHECK_FALSE(is_host_allowed(host, allowed));
  }
}

TEST_CASE("errors: one shape, with hints in range", "[http][error_response]") {
  const Error full = make_error(ErrorCode::queue_full, "full")
                         .with("profile", "p")
                         .with("max_queued", std::int64_t{2})
                         .retry_after(500);
  const Response response = error_response(full, "r1");
  CHECK(response.status == 429);
  CHECK(*find_header(response.headers, "Retry-After") == "60");
  CHECK(response.body ==
        R"({"error":{"message":"full","type":"rate_limit_error","code":"queue_full","param":null,)"
        R"("request_id":"r1","source":"broker","profile":"p","max_queued":2}})");
  CHECK(*find_header(error_response(make_error(ErrorCode::task_cancelled, ""), "").headers,
                     "x-should-retry") == "false");
}

TEST_CASE("errors: a backend's 4xx keeps its status, its 5xx does not", "[http][error_response]") {
  Error error = make_error(ErrorCode::backend_error, "no");
  error.backend_status = 422;
  CHECK(status_of(error) == 422);
  error.backend_status = 503;
  CHECK(status_of(error) == 502);
  for (std::uint8_t number = 1; number <= error_code_max; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    CHECK(status_of(make_error(code, "")) >= 400);
    CHECK_FALSE(type_of(code).empty());
  }
}

}  // namespace signalbox::http
