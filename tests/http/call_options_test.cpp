// Goal: what a caller says beside the body is read as the contract says, or refused with the
// field's name.
#include "http/front/call_options.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

Result<CallOptions> read(const Headers& headers, const std::string& tier = {},
                         const Caller& caller = {}) {
  return read_call_options(headers, caller, body_priority(tier), Priority::workflow);
}

}  // namespace

TEST_CASE("call_options: the first source of a priority wins", "[http][call_options]") {
  Caller caller;
  CHECK(read({})->priority == Priority::workflow);
  caller.default_priority = Priority::background;
  CHECK(read({}, {}, caller)->priority == Priority::background);
  CHECK(read({}, "priority", caller)->priority == Priority::interactive);
  CHECK(read({}, "default", caller)->priority == Priority::background);
  CHECK(read({{"Priority", "u=4"}}, "priority", caller)->priority == Priority::workflow);
  const Headers both{{"priority", "u=0"}, {"x-signalbox-priority", "BackGround"}};
  CHECK(read(both, "priority", caller)->priority == Priority::background);
}

TEST_CASE("call_options: a key's highest class caps every source", "[http][call_options]") {
  Caller caller;
  caller.max_priority = Priority::workflow;
  CHECK(read({{"X-Signalbox-Priority", "interactive"}}, {}, caller)->priority ==
        Priority::workflow);
  CHECK(read({{"X-Signalbox-Priority", "background"}}, {}, caller)->priority ==
        Priority::background);
}

TEST_CASE("call_options: a session is 1-255 printable characters", "[http][call_options]") {
  CHECK(read({})->session.empty());
  CHECK(read({{"x-signalbox-session", "chat 17"}})->session == "chat 17");
  CHECK(read({{"X-Signalbox-Session", std::string(255, 's')}})->session.size() == 255);
  for (const std::string& bad :
       {std::string{}, std::string(256, 's'), std::string{"a\tb"}, std::string{"\xC3\xA4"}}) {
    const auto options = read({{"X-Signalbox-Session", bad}});
    REQUIRE(options.has_error());
    CHECK(options.error().param == "X-Signalbox-Session");
  }
}

TEST_CASE("call_options: an unknown class is refused", "[http][call_options]") {
  const auto options = read({{"X-Signalbox-Priority", "urgent"}});
  REQUIRE(options.has_error());
  CHECK(options.error().code == ErrorCode::invalid_priority);
}

TEST_CASE("call_options: budgets are seconds above zero", "[http][call_options]") {
  CHECK(*read({{"X-Signalbox-Queue-Wait-S", "1.5"}})->queue_wait ==
        std::chrono::milliseconds{1500});
  CHECK(*read({{"X-Signalbox-Inference-S", "86400"}})->inference == std::chrono::hours{24});
  for (const char* bad : {"", "0", "-1", "1e3", "nan", "inf", "1s", " 1", "86401", "0x10"}) {
    INFO(bad);
    const auto options = read({{"X-Signalbox-Queue-Wait-S", bad}});
    REQUIRE(options.has_error());
    CHECK(options.error().param == "X-Signalbox-Queue-Wait-S");
  }
}

TEST_CASE("call_options: names, keys and descriptions are bounded", "[http][call_options]") {
  CHECK(read({{"X-Signalbox-Profile", "local:embedding"}})->profile == "local:embedding");
  CHECK(read({{"X-Signalbox-Profile", "has space"}}).has_error());
  CHECK(read({{"X-Signalbox-Profile", std::string(129, 'a')}}).has_error());
  CHECK(read({{"Idempotency-Key", std::string(255, 'k')}})->idempotency_key.size() == 255);
  CHECK(read({{"Idempotency-Key", std::string(256, 'k')}}).has_error());
  CHECK(read({{"Idempotency-Key", ""}}).has_error());
  CHECK(read({{"Idempotency-Key", "\x7f"}}).has_error());
  // Cut before the character that would be split.
  const std::string text = std::string(199, 'a') + "\xC3\xA4";
  CHECK(read({{"X-Signalbox-Description", text}})->description == std::string(199, 'a'));
}

TEST_CASE("call_options: a request id is taken when it is harmless", "[http][call_options]") {
  CHECK(*read_request_id({{"x-request-id", "A-1._b"}}) == "A-1._b");
  CHECK_FALSE(read_request_id({}));
  CHECK_FALSE(read_request_id({{"X-Request-Id", "a b"}}));
  CHECK_FALSE(read_request_id({{"X-Request-Id", std::string(129, 'a')}}));
}

}  // namespace signalbox::http
