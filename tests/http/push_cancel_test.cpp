// PushClient and calls that are not wanted any more: by their caller, at the client's end, over the
// bound.
#include <catch2/catch.hpp>
#include <future>

#include "http/push/push_client.hpp"
#include "tests/http/push_worker_script.hpp"

namespace signalbox::http::test {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

const std::string word = "data: w\n\n";
const std::string done = "data: [DONE]\n\n";

}  // namespace

TEST_CASE("push_cancel: cancel closes the connection at any stage", "[http][push_cancel]") {
  enum class Stage { before_answer, before_stream, in_stream, busy_stream };
  const auto stage =
      GENERATE(Stage::before_answer, Stage::before_stream, Stage::in_stream, Stage::busy_stream);
  std::promise<void> asked;
  std::promise<steady_clock::time_point> closed;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    if (stage != Stage::before_answer) {
      peer.answer(200, job_answer);
      peer.read_request();
    }
    if (stage >= Stage::in_stream) {
      peer.begin_stream();
      peer.chunk(word);
    }
    asked.set_value();
    if (stage == Stage::busy_stream)
      while (peer.chunk(word)) {
      }
    if (peer.wait_for_close()) closed.set_value(steady_clock::now());
    // Answers after the cancel, which nobody hears.
    peer.chunk(word + done);
  });
  PushClient client;
  const auto backend = client.backend_for(target_for(server));
  const auto recorder = Recorder::make();
  const auto number = backend->start(push_call(true), Recorder::listener(recorder));
  asked.get_future().get();
  if (stage >= Stage::in_stream) REQUIRE(recorder->wait_for_text("w"));
  const auto begin = steady_clock::now();
  backend->cancel(number);
  REQUIRE(recorder->wait());
  auto seen = closed.get_future();
  REQUIRE(seen.wait_for(5s) == std::future_status::ready);
  // It takes well under a millisecond; the bound leaves room for a busy machine.
  CHECK(seen.get() - begin < 1s);
  CHECK(recorder->failed().error.code == ErrorCode::backend_stream_failed);
  CHECK_FALSE(recorder->failed().retryable);
  CHECK(recorder->in_order());
  CHECK(recorder->ends() == 1);
  backend->cancel(number);
  backend->cancel(0);
}

TEST_CASE("push_cancel: cancelling at any moment gives exactly one end", "[http][push_cancel]") {
  RawServer server(streams(says(word + word + done)));
  PushClient client;
  const auto backend = client.backend_for(target_for(server));
  int finished = 0;
  for (int i = 0; i < 300; ++i) {
    const auto recorder = Recorder::make();
    const auto number = backend->start(push_call(true), Recorder::listener(recorder));
    for (const auto end = steady_clock::now() + i * 3us; steady_clock::now() < end;) {
    }
    backend->cancel(number);
    REQUIRE(recorder->wait());
    CHECK(recorder->ends() == 1);
    CHECK(recorder->in_order());
    if (recorder->has_finished()) ++finished;
  }
  CHECK(finished < 300);
}

TEST_CASE("push_cancel: the client's end cancels what runs, handles may stay",
          "[http][push_cancel]") {
  RawServer server(streams([](Peer& peer) { return say_nothing(peer); }));
  std::vector<std::shared_ptr<Recorder>> recorders;
  std::shared_ptr<Backend> handle;
  {
    PushClient client;
    handle = client.backend_for(target_for(server));
    for (int i = 0; i < 10; ++i) {
      recorders.push_back(Recorder::make());
      handle->start(push_call(i % 2 == 0), Recorder::listener(recorders.back()));
    }
  }
  for (const auto& recorder : recorders) CHECK(recorder->ends() == 1);
  const auto late = perform(*handle, push_call(false));
  CHECK(late->failed().error.code == ErrorCode::backend_unreachable);
  handle->cancel(1);
}

TEST_CASE("push_cancel: one call more than max_calls fails, whichever worker it is for",
          "[http][push_cancel]") {
  RawServer busy(streams([](Peer& peer) { return say_nothing(peer); }));
  RawServer other([](Peer&) {});
  PushOptions options;
  options.max_calls = 2;
  PushClient client(options);
  const auto backend = client.backend_for(target_for(busy));
  for (int i = 0; i < 2; ++i) backend->start(push_call(true), [](const BackendEvent&) {});
  const auto refused = perform(*client.backend_for(target_for(other)), push_call(true))->failed();
  CHECK(refused.error.code == ErrorCode::backend_unreachable);
  CHECK(refused.retryable);
  CHECK(other.accepted() == 0);
  CHECK(client.calls_in_progress() == 2);
}

}  // namespace signalbox::http::test
