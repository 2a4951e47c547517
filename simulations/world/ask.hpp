// Puts a question to an actor of a virtual world from outside, and waits for the answer while time
// stands still.
#pragma once

#include <caf/event_based_actor.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/error.hpp"
#include "simulations/world/virtual_system.hpp"

namespace signalbox::sim {

/// @returns where the answer will be when the world has run. @pre the actor lives.
template <class Answer, class Handle, class Question>
std::shared_ptr<std::optional<Answer>> put_question(VirtualSystem& world, const Handle& actor,
                                                    Question question) {
  auto answer = std::make_shared<std::optional<Answer>>();
  const auto asker = [question, answer](caf::event_based_actor* self, const Handle& whom) {
    self->request(whom, std::chrono::seconds{1}, question).then([answer](const Answer& reply) {
      *answer = reply;
    });
  };
  world.system().spawn(asker, actor);
  return answer;
}

/// The schedule of everybody else is not shifted by it. @pre nothing is under way in `world`, and
/// the actor lives.
template <class Answer, class Handle, class Question>
Answer ask_in_order(VirtualSystem& world, const Handle& actor, Question question) {
  const auto answer = put_question<Answer>(world, actor, std::move(question));
  world.run_in_order();
  SIGNALBOX_ASSERT(answer->has_value());
  return std::move(**answer);
}

}  // namespace signalbox::sim
