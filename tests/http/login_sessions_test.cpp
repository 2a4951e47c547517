// Goal: a browser's session is as good as its key, for pages of this origin and as long as it is
// used. Method: made requests; time is given.
#include "http/front/login_sessions.hpp"

#include <catch2/catch.hpp>

#include "http/front/auth.hpp"
#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

const LoginSessions::Clock::time_point start{std::chrono::hours{1000}};

Authenticator with_key() {
  config::AuthSettings settings;
  settings.mode = config::AuthMode::keys;
  config::KeySettings key;
  key.owner = "alice";
  key.sha256 = sha256_hex("secret");
  key.grants = {"tasks:view"};
  settings.keys.push_back(key);
  return Authenticator{settings};
}

Request request_with(const std::string& method, Headers headers) {
  Request request = request_to(method, "/api/v1/llms");
  request.headers = std::move(headers);
  request.headers.emplace_back("Host", "box:8642");
  return request;
}

ErrorCode code_of(const Authenticator& authenticator, const std::string& method, Headers headers) {
  const auto caller = authenticator.authenticate(request_with(method, std::move(headers)));
  return caller.has_error() ? caller.error().code : ErrorCode::none;
}

}  // namespace

TEST_CASE("login sessions: an id is random, and known until it ends", "[http][login]") {
  LoginSessions sessions;
  const auto first = sessions.begin("key 1", start);
  const auto second = sessions.begin("key 2", start);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->size() == 64);
  CHECK(*first != *second);
  CHECK(sessions.find(*first, start) == "key 1");
  CHECK(sessions.find(*second, start) == "key 2");
  CHECK_FALSE(sessions.find("", start));
  CHECK_FALSE(sessions.find(sha256_hex(*first), start));
  sessions.end(*first);
  CHECK_FALSE(sessions.find(*first, start));
  CHECK(sessions.find(*second, start));
}

TEST_CASE("login sessions: twelve idle hours end one, use keeps it", "[http][login]") {
  LoginSessions sessions;
  const auto id = sessions.begin("key", start);
  const auto limit = LoginSessions::idle_timeout;
  CHECK(sessions.find(*id, start + limit));
  CHECK(sessions.find(*id, start + 2 * limit));
  CHECK_FALSE(sessions.find(*id, start + 3 * limit + std::chrono::seconds{1}));
  CHECK(sessions.count() == 0);
}

TEST_CASE("login sessions: the least used one makes room", "[http][login]") {
  LoginSessions sessions;
  const auto first = sessions.begin("1", start);
  const auto second = sessions.begin("2", start + std::chrono::seconds{1});
  for (std::size_t more = 2; more < LoginSessions::sessions_max; ++more) {
    sessions.begin("m", start + std::chrono::seconds{2});
  }
  CHECK(sessions.find(*first, start + std::chrono::seconds{3}));
  sessions.begin("one too many", start + std::chrono::seconds{4});
  CHECK(sessions.count() == LoginSessions::sessions_max);
  CHECK(sessions.find(*first, start + std::chrono::seconds{5}));
  CHECK_FALSE(sessions.find(*second, start + std::chrono::seconds{5}));
}

TEST_CASE("login: a cookie is as good as the key behind it", "[http][login]") {
  const Authenticator authenticator = with_key();
  const auto id = authenticator.log_in(request_with("POST", {}), "secret");
  REQUIRE(id.has_value());
  const std::string cookie = "a=b; signalbox_session=" + *id;
  const auto caller = authenticator.authenticate(request_with("GET", {{"cookie", cookie}}));
  REQUIRE(caller.has_value());
  CHECK(caller->owner == "alice");
  CHECK(caller->may("tasks:view"));
  CHECK_FALSE(caller->may("tasks:create"));
  CHECK(code_of(authenticator, "GET", {{"Cookie", "signalbox_session="}}) ==
        ErrorCode::unauthorized);
  CHECK(code_of(authenticator, "GET", {{"Cookie", "xsignalbox_session=" + *id}}) ==
        ErrorCode::unauthorized);
  CHECK(code_of(authenticator, "GET", {}) == ErrorCode::unauthorized);
  // A key that is given counts, also a wrong one.
  CHECK(code_of(authenticator, "GET", {{"Cookie", cookie}, {"X-Api-Key", "wrong"}}) ==
        ErrorCode::unauthorized);
  CHECK(authenticator.log_in(request_with("POST", {}), "wrong").error().code ==
        ErrorCode::unauthorized);
  CHECK(authenticator.log_in(request_with("POST", {{"Origin", "http://evil"}}), "secret")
            .error()
            .code == ErrorCode::forbidden);
  CHECK_FALSE(authenticator.log_out(
      request_with("POST", {{"Cookie", cookie}, {"Origin", "http://box:8642"}})));
  CHECK(code_of(authenticator, "GET", {{"Cookie", cookie}}) == ErrorCode::unauthorized);
}

TEST_CASE("login: a second login ends the first session", "[http][login]") {
  const Authenticator authenticator = with_key();
  const auto first = authenticator.log_in(request_with("POST", {}), "secret");
  const Headers with_first{{"Cookie", "signalbox_session=" + *first}};
  CHECK(authenticator.log_in(request_with("POST", with_first), "secret").has_value());
  CHECK(code_of(authenticator, "GET", with_first) == ErrorCode::unauthorized);
}

TEST_CASE("login: a cookie counts for pages of this origin only", "[http][login]") {
  const Authenticator authenticator = with_key();
  const auto id = authenticator.log_in(request_with("POST", {}), "secret");
  const auto code = [&](const std::string& method, Headers headers) {
    headers.emplace_back("Cookie", "signalbox_session=" + *id);
    return code_of(authenticator, method, std::move(headers));
  };
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    CHECK(code(method, {{"Origin", "http://box:8642"}}) == ErrorCode::none);
    CHECK(code(method, {{"Origin", "https://BOX:8642"}}) == ErrorCode::none);
    CHECK(code(method, {{"Sec-Fetch-Site", "same-origin"}}) == ErrorCode::none);
    CHECK(code(method, {}) == ErrorCode::forbidden);
    CHECK(code(method, {{"Origin", "null"}}) == ErrorCode::forbidden);
    CHECK(code(method, {{"Origin", "http://box:3000"}}) == ErrorCode::forbidden);
    CHECK(code(method, {{"Origin", "http://box:8642.evil"}}) == ErrorCode::forbidden);
    CHECK(code(method, {{"Sec-Fetch-Site", "none"}}) == ErrorCode::forbidden);
    CHECK(code(method, {{"Sec-Fetch-Site", "same-site"}}) == ErrorCode::forbidden);
  }
  CHECK(code("GET", {}) == ErrorCode::none);
  CHECK(code("GET", {{"Sec-Fetch-Site", "none"}}) == ErrorCode::none);
  CHECK(code("GET", {{"Sec-Fetch-Site", "same-origin"}}) == ErrorCode::none);
  CHECK(code("GET", {{"Sec-Fetch-Site", "same-site"}}) == ErrorCode::forbidden);
  CHECK(code("HEAD", {{"Sec-Fetch-Site", "cross-site"}}) == ErrorCode::forbidden);
}

TEST_CASE("login: the session of a key that is gone is over", "[http][login]") {
  Authenticator authenticator = with_key();
  const auto id = authenticator.log_in(request_with("POST", {}), "secret");
  REQUIRE(id.has_value());
  const Headers cookie{{"Cookie", "signalbox_session=" + *id}};
  CHECK(code_of(authenticator, "GET", cookie) == ErrorCode::none);
  config::AuthSettings none_left;
  none_left.mode = config::AuthMode::keys;
  REQUIRE_FALSE(authenticator.replace(none_left));
  CHECK(code_of(authenticator, "GET", cookie) == ErrorCode::unauthorized);
}

TEST_CASE("login: without keys nobody needs a session", "[http][login]") {
  const Authenticator authenticator{{}};
  CHECK(authenticator.log_in(request_with("POST", {}), "whatever").value().empty());
  CHECK(code_of(authenticator, "DELETE", {{"Cookie", "signalbox_session=x"}}) == ErrorCode::none);
}

}  // namespace signalbox::http
