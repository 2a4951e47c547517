// Goal: the live events begin with a state, tell changed calls once each, show what the key may
// see, drop a slow reader alone and bound the readers. Method: the real events actor, front and
// metrics, scripted others, no socket.
#include <catch2/catch.hpp>
#include <thread>

#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

using namespace std::chrono_literals;

CallRow row(std::uint8_t number, CallStatus status) {
  CallRow made;
  made.id[15] = number;
  made.profile = "chat";
  made.status = status;
  if (status == CallStatus::ok) made.finished_at = WallTime{1ms};
  return made;
}

std::size_t count(std::string_view text, std::string_view wanted) {
  std::size_t found = 0;
  for (auto at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) {
    ++found;
  }
  return found;
}

/// A reader on a thread of its own that leaves when it has seen `wanted`.
class Reader final : public Responder {
 public:
  Reader(FakeHouse& house, std::string wanted) : x_wanted{std::move(wanted)} {
    x_thread = std::thread{[this, &house] {
      Request request = request_to("GET", "/api/v1/events");
      Context context{house.services, request, *this, house.caller, "request-1"};
      const auto error = check_action(context, Action::events);
      if (error)
        context.send_error(*error);
      else
        answer_action(context, RouteMatch{Action::events, {}, {}});
    }};
  }
  ~Reader() override { join(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void join() {
    if (x_thread.joinable()) x_thread.join();
  }
  void send(Response response) override { answer = std::move(response); }
  void begin_stream(const Response& response) override {
    answer = response;
    x_has_begun.set_value();
  }
  bool write(std::string_view bytes) override {
    text += bytes;
    return text.find(x_wanted) == std::string::npos;
  }
  void end_stream() override {}
  void on_hang_up(std::function<void()>) override {}
  void wait_for_beginning() { x_has_begun.get_future().wait(); }

  Response answer;
  std::string text;

 private:
  std::string x_wanted;
  std::promise<void> x_has_begun;
  std::thread x_thread;
};

}  // namespace

TEST_CASE("events: a state comes first, then the calls that change", "[http][events]") {
  FakeHouse house;
  Reader reader{house, R"("status":"ok")"};
  reader.wait_for_beginning();
  CHECK(reader.answer.content_type == "text/event-stream");
  house.change(row(1, CallStatus::queued));
  for (int change = 0; change < 300; ++change) house.change(row(1, CallStatus::running));
  house.change(row(1, CallStatus::ok));
  reader.join();
  CHECK(reader.text.starts_with("event: state\ndata: {\"profiles\":["));
  CHECK(count(reader.text, R"("tasks":{"pending":0,"claimed":0,"running":0,"completed":0)") > 0);
  CHECK(count(reader.text, R"("version":"9.9.9")") > 0);
  CHECK(reader.text.find("event: call\ndata: {\"id\":\"00000000-0000-0000-0000-000000000001\"") !=
        std::string::npos);
  // What changes within a moment is told once.
  CHECK(count(reader.text, "event: call\n") < 100);
}

TEST_CASE("events: nobody who listens leaves anything behind", "[http][events]") {
  FakeHouse house;
  { Reader reader{house, "event: state"}; }
  CHECK(house.services.event_listeners == 0);
  // Once more: the actor asks again.
  Reader again{house, R"("status":"ok")"};
  again.wait_for_beginning();
  house.change(row(2, CallStatus::ok));
  again.join();
  CHECK(count(again.text, "event: call\n") == 1);
}

TEST_CASE("events: parts that the key may not see are empty", "[http][events]") {
  FakeHouse house;
  house.caller.has_all = false;
  house.caller.grants = {"calls:view"};
  Reader reader{house, "event: state"};
  reader.join();
  CHECK(count(reader.text, R"("llms":[],"workers":[])") > 0);

  house.caller.grants = {"tasks:create"};
  Reader refused{house, "event: state"};
  refused.join();
  CHECK(refused.answer.status == 403);
}

TEST_CASE("events: readers are bounded", "[http][events]") {
  FakeHouse house;
  house.services.event_listeners = event_listeners_max;
  FakeClient client;
  house.handle(request_to("GET", "/api/v1/events"), client);
  CHECK(client.answer.status == 503);
  CHECK_FALSE(client.is_stream);
  CHECK(house.services.event_listeners == event_listeners_max);
}

TEST_CASE("events: one who does not read is dropped, and nobody else", "[http][events]") {
  FakeHouse house;
  const auto slow = std::make_shared<ReplyBox>(100);
  // Its number is the lowest, so it is given each text before the reader is.
  caf::anon_send(house.services.events, BeginEvents{0, slow, EventScope{}});
  Reader reader{house, R"("status":"ok")"};
  reader.wait_for_beginning();
  // The first state is taken whatever its size; with the next text the box is over its bound.
  house.change(row(3, CallStatus::ok));
  reader.join();
  const auto unread = slow->take(ReplyBox::Clock::now() + 10s);
  REQUIRE(unread);
  CHECK(std::holds_alternative<HungUp>(*unread));
  CHECK_FALSE(slow->take_if_any());
  CHECK(count(reader.text, "event: call\n") == 1);
}

TEST_CASE("metrics: need their grant", "[http][metrics]") {
  FakeHouse house;
  FakeClient client;
  house.handle(request_to("GET", "/metrics"), client);
  CHECK(client.answer.status == 200);
  CHECK(client.answer.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(client.answer.body.find("signalbox_build_info{version=\"9.9.9\"} 1\n") !=
        std::string::npos);
  house.caller.has_all = false;
  house.caller.grants = {"profiles:view"};
  house.handle(request_to("GET", "/metrics"), client);
  CHECK(client.answer.status == 403);
}

}  // namespace signalbox::http
