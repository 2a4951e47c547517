// Puts a question to an actor of a virtual world from outside, and waits for the answer while time
// stands still. The schedule of everybody else is not shifted by it.
#pragma once

#include <caf/event_based_actor.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "core/error.hpp"
#include "simulations/virtual_system.hpp"

namespace signalbox::sim {

/// @pre nothing is under way in `world`, and the actor lives.
template <class Answer, class Handle, class Question>
Answer ask(VirtualSystem& world, const Handle& actor, Question question) {
  auto answer = std::make_shared<std::optional<Answer>>();
  const auto asker = [question, answer](caf::event_based_actor* self, const Handle& whom) {
    self->request(whom, std::chrono::seconds{1}, question).then([answer](const Answer& reply) {
      *answer = reply;
    });
  };
  world.system().spawn(asker, actor);
  world.run_in_order();
  SIGNALBOX_ASSERT(answer->has_value());
  return std::move(**answer);
}

}  // namespace signalbox::sim
