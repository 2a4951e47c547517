// Goal: an LLM of a plugin is an LLM as others: listed, leased, retried, shut out when it fails.
// Method: as plugin_test; what runs its calls in the daemon, threads, is plugin_threads_test's.
#include <catch2/catch.hpp>

#include "tests/support/played_backend.hpp"
#include "tests/support/plugin_fixture.hpp"

namespace signalbox::testing {
namespace {

using plugin::Answer;
using Run = std::function<Answer(plugin::Call&)>;

class LambdaBackend final : public plugin::Backend {
 public:
  explicit LambdaBackend(Run run) : x_run{std::move(run)} {}
  Answer run(plugin::Call& call) override { return x_run(call); }

 private:
  Run x_run;
};

class Offering final : public plugin::Plugin {
 public:
  Offering(plugin::LlmOffer offer, Run run) : x_offer{std::move(offer)}, x_run{std::move(run)} {}
  void start(plugin::Host& host) override {
    host.offer(x_offer, std::make_shared<LambdaBackend>(x_run));
  }

 private:
  plugin::LlmOffer x_offer;
  Run x_run;
};

std::unique_ptr<plugin::Plugin> offering(Run run, plugin::LlmOffer offer = {.name = "mine"}) {
  return std::make_unique<Offering>(std::move(offer), std::move(run));
}

std::vector<Llm> llms_of(HouseFixture& house) {
  return ask<actors::LlmList>(house.world(), house.house().directory, actors::ListLlms{})
      .table->llms;
}

/// Takes calls and never comes back from one, whatever it is told.
class DeafBackend final : public Backend {
 public:
  std::uint64_t start(BackendCall, BackendListener) override { return ++x_number; }
  void cancel(std::uint64_t) override {}
  void list_models(std::function<void(Result<std::vector<BackendModel>>)> done) override {
    done(std::vector<BackendModel>{});
  }

 private:
  std::uint64_t x_number = 0;
};

class DeafRunner final : public InlineRunner {
 public:
  std::shared_ptr<Backend> make_backend(std::shared_ptr<plugin::Backend>, std::uint32_t) override {
    return std::make_shared<DeafBackend>();
  }
};

}  // namespace

TEST_CASE("plugin backend: it is listed and answers with what it sees of a call",
          "[actors][plugin]") {
  HouseFixture house;
  std::string seen;
  PluginFixture plugin{
      house, "p",
      offering(
          [&](plugin::Call& call) {
            seen = call.id() + call.model() + call.request();
            CHECK(call.kind() == plugin::Kind::chat);
            CHECK_FALSE(call.is_streaming());
            CHECK_FALSE(call.is_cancelled());
            CHECK(call.pause(1h));
            return Answer::whole(R"({"usage":{"prompt_tokens":2,"completion_tokens":3}})");
          },
          {.name = "mine",
           .model = "m-1",
           .type = "magic",
           .pool = "shared",
           .tier = "gold",
           .capacity = 3})};
  const Llm llm = llms_of(house).at(0);
  CHECK(llm.name == "mine");
  CHECK(llm.kind == LlmKind::plugin);
  CHECK(llm.status == LlmStatus::active);
  CHECK(llm.type == "magic");
  CHECK(llm.model == "m-1");
  CHECK(llm.pool == "shared");
  CHECK(llm.tier == "gold");
  CHECK(llm.capacity == 3);
  const auto call = house.submit({.target = "mine", .body = "{\"a\":1}"});
  REQUIRE(house.told(call).ended);
  CHECK(seen == house.task_of(call).to_string() + "m-1{\"a\":1}");
  const CallRow row = house.rows().at(0);
  CHECK(row.status == CallStatus::ok);
  CHECK(row.backend == "mine");
  CHECK(row.tokens.in == 2);
  CHECK(row.tokens.out == 3);
}

TEST_CASE("plugin backend: what it says is a stream, or one body to who wants no stream",
          "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "p", offering([](plugin::Call& call) {
                         CHECK(call.say("a\nb"));
                         CHECK(call.say("c"));
                         // Not its to say: the stream ends with the truth.
                         CHECK(call.say("[DONE]"));
                         return Answer::streamed();
                       })};
  const auto stream = house.submit({.target = "mine", .streaming = true});
  CHECK(house.told(stream).data == "data: a\ndata: b\n\ndata: c\n\n");
  REQUIRE(house.told(stream).ended);
  CHECK(*house.told(stream).ended->tail == "data: [DONE]\n\n");
  CHECK(*house.told(stream).ended->body == "a\nbc");
  const auto plain = house.submit({.target = "mine"});
  CHECK(house.told(plain).data.empty());
  REQUIRE(house.told(plain).ended);
  CHECK(*house.told(plain).ended->body == "a\nbc");
  CHECK_FALSE(house.told(plain).ended->tail);
}

TEST_CASE("plugin backend: a name that is taken is qualified, one that cannot be is left out",
          "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("mine", 1, whole_answer(1s));
  const auto fine = [](plugin::Call&) { return Answer::whole("{}"); };
  PluginFixture plugin{house, "p", offering(fine)};
  PluginFixture wrong{house, "q", offering(fine, {.name = "no name"})};
  const auto llms = llms_of(house);
  REQUIRE(llms.size() == 2);
  CHECK(llms[1].name == "p/mine");
  REQUIRE(wrong.lines().size() == 1);
  CHECK(wrong.lines()[0].find("no name") != std::string::npos);
}

TEST_CASE("plugin backend: what is withdrawn is gone, and its name is free", "[actors][plugin]") {
  HouseFixture house;
  const auto fine = [](plugin::Call&) { return Answer::whole("{}"); };
  PluginFixture first{house, "p", offering(fine)};
  REQUIRE(llms_of(house).size() == 1);
  first.withdraw();
  CHECK(llms_of(house).empty());
  CHECK(house.told(house.submit({.target = "mine"})).code() == ErrorCode::model_not_found);
  PluginFixture second{house, "q", offering(fine)};
  REQUIRE(llms_of(house).size() == 1);
  CHECK(llms_of(house)[0].name == "mine");
}

TEST_CASE("plugin backend: an exception is the backend's error, tried again, then shut out",
          "[actors][plugin]") {
  HouseFixture house;
  const bool is_standard = GENERATE(true, false);
  int calls = 0;
  PluginFixture plugin{house, "p", offering([&](plugin::Call&) -> Answer {
                         ++calls;
                         if (is_standard) throw std::runtime_error("out of luck");
                         throw 42;
                       })};
  const auto call = house.submit({.target = "mine"});
  house.world().advance(1s);
  CHECK(calls == 3);
  CHECK(house.told(call).code() == ErrorCode::backend_error);
  CHECK(house.told(call).ended->error.from_backend);
  CHECK(house.told(call).ended->error.message ==
        (is_standard ? "the plugin threw: out of luck"
                     : "the plugin threw what is no std::exception"));
  house.submit({.target = "mine"});
  house.world().advance(1s);
  CHECK(llms_of(house).at(0).breaker == BreakerState::open);
}

TEST_CASE("plugin backend: a failure that it reports is retried only if it says so",
          "[actors][plugin]") {
  HouseFixture house;
  const bool is_retryable = GENERATE(false, true);
  int calls = 0;
  PluginFixture plugin{house, "p", offering([&](plugin::Call&) {
                         ++calls;
                         return Answer::failed("too long a prompt", is_retryable);
                       })};
  const auto call = house.submit({.target = "mine"});
  house.world().advance(1s);
  CHECK(calls == (is_retryable ? 3 : 1));
  CHECK(house.told(call).code() == ErrorCode::backend_error);
  CHECK(house.told(call).ended->error.message == "too long a prompt");
}

TEST_CASE("plugin backend: one that throws in mid-stream cuts the stream", "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "p", offering([](plugin::Call& call) -> Answer {
                         call.say("half");
                         throw std::runtime_error("gone");
                       })};
  const auto call = house.submit({.target = "mine", .streaming = true});
  house.world().advance(1s);
  CHECK(house.told(call).data == "data: half\n\n");
  CHECK(house.told(call).code() == ErrorCode::backend_stream_failed);
  CHECK(house.stored(call).attempts == 1);
}

TEST_CASE("plugin backend: one that returns without an answer has failed", "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "p", offering([](plugin::Call&) { return Answer::streamed(); })};
  const auto call = house.submit({.target = "mine"});
  house.world().advance(1s);
  CHECK(house.told(call).code() == ErrorCode::backend_error);
}

TEST_CASE("plugin backend: one that stalls is timed out, and counts as failed",
          "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "p", offering([](plugin::Call&) { return Answer{}; }),
                       std::make_shared<DeafRunner>()};
  const auto call = house.submit({.target = "mine", .inference = 2s});
  house.world().advance(2s);
  CHECK(house.told(call).code() == ErrorCode::inference_timeout);
  // The lease is held for a second more, for it may still work.
  CHECK(llms_of(house).at(0).running == 1);
  house.world().advance(1s);
  CHECK(llms_of(house).at(0).running == 0);
  CHECK(llms_of(house).at(0).failures == 1);
  for (int index = 0; index < 4; ++index) {
    house.submit({.target = "mine", .inference = 2s});
    house.world().advance(3s);
  }
  CHECK(llms_of(house).at(0).breaker == BreakerState::open);
}

}  // namespace signalbox::testing
