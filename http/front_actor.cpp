#include "http/front_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <type_traits>

namespace signalbox::http {
namespace {

/// Questions are answered from memory; one that takes this long has lost its actor.
constexpr std::chrono::seconds answer_patience{10};

}  // namespace

void FrontState::begin(BeginCall& message) {
  Call& call = x_calls[message.call];
  call.reply_box = std::move(message.reply_box);
  if (auto* submit = std::get_if<actors::SubmitTask>(&message.message)) {
    call.task = submit->task.id;
    submit->call = message.call;
    submit->listener = x_self;
    x_self->send(x_house.broker, std::move(*submit));
  } else {
    auto& watch = std::get<actors::WatchTask>(message.message);
    call.task = watch.task;
    watch.call = message.call;
    watch.listener = x_self;
    x_self->send(x_house.broker, std::move(watch));
  }
}

void FrontState::hang_up(actors::CallNumber number) {
  const auto place = x_calls.find(number);
  if (place == x_calls.end()) return;
  x_self->send(x_house.broker, actors::CallerGone{place->second.task, number, x_self});
  place->second.reply_box->put(HungUp{});
  x_calls.erase(place);
}

void FrontState::pass_on(actors::CallNumber number, Arrival arrival, bool is_last) {
  const auto place = x_calls.find(number);
  if (place == x_calls.end()) return;
  if (!place->second.reply_box->put(std::move(arrival))) {
    hang_up(number);
  } else if (is_last) {
    x_calls.erase(place);
  }
}

void FrontState::ask(Ask& message) {
  const auto answer = [reply_box = message.reply_box](auto& reply) {
    reply_box->put(std::move(reply));
  };
  const auto fail = [reply_box = message.reply_box](const caf::error&) {
    reply_box->put(make_error(ErrorCode::store_failed, "the broker did not answer in time"));
  };
  std::visit(
      [&](auto& question) {
        using Question = std::decay_t<decltype(question)>;
        if constexpr (std::is_same_v<Question, actors::ListLlms>) {
          x_self->request(x_house.directory, answer_patience, question)
              .then([answer](actors::LlmList& reply) { answer(reply); }, fail);
        } else if constexpr (std::is_same_v<Question, actors::ListCalls>) {
          x_self->request(x_house.metrics, answer_patience, std::move(question))
              .then([answer](actors::CallPage& reply) { answer(reply); }, fail);
        } else if constexpr (std::is_same_v<Question, actors::ListProfiles>) {
          x_self->request(x_house.broker, answer_patience, question)
              .then([answer](actors::ProfileList& reply) { answer(reply); }, fail);
        } else if constexpr (std::is_same_v<Question, actors::FindPositions>) {
          x_self->request(x_house.broker, answer_patience, std::move(question))
              .then([answer](actors::Positions& reply) { answer(reply); }, fail);
        } else if constexpr (std::is_same_v<Question, actors::CancelTask> ||
                             std::is_same_v<Question, actors::ApplyProfiles>) {
          x_self->request(x_house.broker, answer_patience, std::move(question))
              .then([answer](actors::Done& reply) { answer(reply); }, fail);
        } else {
          x_self->request(x_house.broker, answer_patience, std::move(question))
              .then([answer](actors::ProfileStatus& reply) { answer(reply); }, fail);
        }
      },
      message.question);
}

FrontActor::behavior_type FrontState::make_behavior(actors::House house) {
  x_house = std::move(house);
  return {
      [this](actors::TaskRefused& message) { pass_on(message.call, std::move(message), true); },
      [this](actors::TaskAccepted& message) { pass_on(message.call, std::move(message), false); },
      [this](actors::TaskBegan& message) { pass_on(message.call, std::move(message), false); },
      [this](actors::TaskData& message) { pass_on(message.call, std::move(message), false); },
      [this](actors::TaskEnded& message) { pass_on(message.call, std::move(message), true); },
      [this](BeginCall& message) { begin(message); },
      [this](const HangUp& message) { hang_up(message.call); },
      [this](const LeaveCall& message) { x_calls.erase(message.call); },
      [this](const DropCall& message) { pass_on(message.call, HungUp{}, true); },
      [this](Ask& message) { ask(message); },
  };
}

FrontActor::behavior_type front_actor(FrontActor::stateful_pointer<FrontState> self,
                                      actors::House house) {
  return self->state.make_behavior(std::move(house));
}

}  // namespace signalbox::http
