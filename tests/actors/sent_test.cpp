// Goal: a handler that is marked as sent-only is given its messages, and nobody is answered.
// Method: two actors on the virtual clock that differ in that mark alone; both are sent a message
// and asked one.
#include "actors/messages/sent.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>

#include "actors/messages/messages.hpp"
#include "simulations/world/virtual_system.hpp"

namespace signalbox::testing {
namespace {

using Listener = caf::typed_actor<caf::reacts_to<actors::StoreAnswer>>;

struct Seen {
  std::vector<std::uint64_t> cookies;
  bool is_answered = false;
  bool is_timed_out = false;
};

Seen ask_and_send(const std::shared_ptr<Seen>& seen, sim::VirtualSystem& world,
                  const Listener& listener) {
  caf::anon_send(listener, actors::StoreAnswer{1, {}});
  world.system().spawn([seen, listener](caf::event_based_actor* self) {
    self->request(listener, std::chrono::seconds{1}, actors::StoreAnswer{2, {}})
        .then([seen] { seen->is_answered = true; },
              [seen](const caf::error&) { seen->is_timed_out = true; });
  });
  world.advance(std::chrono::seconds{2});
  return *seen;
}

}  // namespace

TEST_CASE("sent: the handler gets what is sent, and answers nobody", "[actors][sent]") {
  const auto seen = std::make_shared<Seen>();
  sim::VirtualSystem world;
  {
    const Listener silent = world.system().spawn([seen]() -> Listener::behavior_type {
      return {actors::sent(
          [seen](actors::StoreAnswer& message) { seen->cookies.push_back(message.cookie); })};
    });
    const Seen after = ask_and_send(seen, world, silent);
    CHECK(after.cookies == std::vector<std::uint64_t>{1, 2});
    CHECK_FALSE(after.is_answered);
    CHECK(after.is_timed_out);
  }
}

TEST_CASE("sent: any other handler does answer", "[actors][sent]") {
  const auto seen = std::make_shared<Seen>();
  sim::VirtualSystem world;
  {
    const Listener polite = world.system().spawn([seen]() -> Listener::behavior_type {
      return {[seen](actors::StoreAnswer& message) { seen->cookies.push_back(message.cookie); }};
    });
    const Seen after = ask_and_send(seen, world, polite);
    CHECK(after.cookies == std::vector<std::uint64_t>{1, 2});
    CHECK(after.is_answered);
    CHECK_FALSE(after.is_timed_out);
  }
}

}  // namespace signalbox::testing
