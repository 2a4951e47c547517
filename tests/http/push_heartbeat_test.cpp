#include "http/surfaces/push_heartbeat.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

std::string body_with(const std::string& member, const std::string& value) {
  std::string worker;
  for (const auto& [name, given] :
       {std::pair{"id", "\"w\""}, std::pair{"model_id", "\"m\""}, std::pair{"device", "\"cpu\""},
        std::pair{"port", "9001"}, std::pair{"status", "\"ready\""},
        std::pair{"implementation", "\"i\""}, std::pair{"version", "\"1\""}}) {
    if (name == member && value.empty()) continue;
    worker += (worker.empty() ? "\"" : ",\"") + std::string{name} +
              "\":" + (name == member ? value : given);
  }
  if ((member == "host" || member == "capacity") && !value.empty()) {
    worker += ",\"" + member + "\":" + value;
  }
  return R"({"worker":{)" + worker + R"(},"timestamp":"2026-11-21T00:00:00Z"})";
}

}  // namespace

TEST_CASE("push_heartbeat: what is not given has its default", "[http]") {
  const auto heartbeat = read_push_heartbeat(body_with("", ""), "127.0.0.9");
  REQUIRE(heartbeat.has_value());
  CHECK(heartbeat->id == "w");
  CHECK(heartbeat->model == "m");
  CHECK(heartbeat->host == "127.0.0.9");
  CHECK(heartbeat->port == 9001);
  CHECK(heartbeat->capacity == 1);
  CHECK(heartbeat->status == PushStatus::ready);
  const auto full = read_push_heartbeat(body_with("capacity", "7"), "");
  REQUIRE(full.has_error());
  CHECK(full.error().param == "worker.host");
}

TEST_CASE("push_heartbeat: each field is held to its form", "[http]") {
  const auto [member, value] = GENERATE(table<std::string, std::string>({{"id", ""},
                                                                         {"id", "7"},
                                                                         {"id", "\"a b\""},
                                                                         {"model_id", ""},
                                                                         {"model_id", "null"},
                                                                         {"device", ""},
                                                                         {"port", ""},
                                                                         {"port", "\"9001\""},
                                                                         {"port", "0"},
                                                                         {"port", "65536"},
                                                                         {"port", "-1"},
                                                                         {"port", "9001.5"},
                                                                         {"status", ""},
                                                                         {"status", "\"up\""},
                                                                         {"status", "\"stale\""},
                                                                         {"status", "1"},
                                                                         {"version", ""},
                                                                         {"capacity", "0"},
                                                                         {"capacity", "\"2\""},
                                                                         {"capacity", "1e9"},
                                                                         {"host", "\"\""},
                                                                         {"host", "7"},
                                                                         {"host", "\"a/b\""},
                                                                         {"host", "\"a:80\""},
                                                                         {"host", "\"u@h\""},
                                                                         {"host", "\"h h\""}}));
  CAPTURE(member, value);
  const auto heartbeat = read_push_heartbeat(body_with(member, value), "127.0.0.1");
  REQUIRE(heartbeat.has_error());
  CHECK(heartbeat.error().code == ErrorCode::invalid_request);
  CHECK(heartbeat.error().param == "worker." + member);
}

TEST_CASE("push_heartbeat: the body itself", "[http]") {
  CHECK(read_push_heartbeat("{", "h").error().code == ErrorCode::invalid_json);
  CHECK(read_push_heartbeat("[]", "h").error().code == ErrorCode::invalid_json);
  CHECK(read_push_heartbeat("{}", "h").error().param == "worker");
  CHECK(read_push_heartbeat(R"({"worker":[]})", "h").error().param == "worker");
  CHECK(read_push_heartbeat(R"({"worker":{}})", "h").error().param == "timestamp");
  CHECK(read_push_heartbeat(R"({"worker":{},"timestamp":{}})", "h").error().param == "timestamp");
}

TEST_CASE("push_heartbeat: where workers may live", "[http]") {
  struct Case {
    std::vector<std::string> allowed;
    std::string host;
    bool is_allowed;
  };
  const auto given = GENERATE(
      Case{{"loopback"}, "127.0.0.1", true}, Case{{"loopback"}, "127.8.9.1", true},
      Case{{"loopback"}, "::1", true}, Case{{"loopback"}, "localhost", true},
      Case{{"loopback"}, "LocalHost", true}, Case{{"loopback"}, "::ffff:127.0.0.1", true},
      Case{{"loopback"}, "10.0.0.1", false}, Case{{"loopback"}, "::ffff:10.0.0.1", false},
      Case{{"loopback"}, "128.0.0.1", false}, Case{{"loopback"}, "localhost.evil.com", false},
      Case{{"loopback"}, "0.0.0.0", false}, Case{{}, "127.0.0.1", false},
      Case{{"10.1.2.3"}, "10.1.2.3", true}, Case{{"10.1.2.3"}, "10.1.2.4", false},
      Case{{"10.0.0.0/8"}, "10.200.3.4", true}, Case{{"10.0.0.0/8"}, "11.0.0.1", false},
      Case{{"192.168.1.128/25"}, "192.168.1.127", false},
      Case{{"192.168.1.128/25"}, "192.168.1.200", true}, Case{{"10.0.0.0/33"}, "10.0.0.0", false},
      Case{{"fd00::/8"}, "fd12::1", true}, Case{{"fd00::/8"}, "fe80::1", false},
      Case{{"gpu-box"}, "GPU-box", true}, Case{{"gpu-box"}, "gpu-box2", false},
      Case{{"10.0.0.1", "gpu"}, "gpu", true});
  CAPTURE(given.allowed, given.host);
  CHECK(is_allowed_host(given.host, given.allowed) == given.is_allowed);
}

}  // namespace signalbox::http
