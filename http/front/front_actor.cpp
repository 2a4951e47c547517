#include "http/front/front_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>

#include "core/base/crash_point.hpp"

namespace signalbox::http {
namespace {

/// Questions are answered from memory; one that takes this long has lost its actor.
constexpr std::chrono::seconds answer_patience{10};

/// Who answers a question, and with what.
template <auto Desk, class AnswerType>
struct Line {
  static constexpr auto desk = Desk;
  using Answer = AnswerType;
};
template <class Answer>
using BrokerLine = Line<&actors::House::broker, Answer>;
template <class Answer>
using RegistrarLine = Line<&actors::House::registrar, Answer>;

template <class Question>
struct LineOf;
template <>
struct LineOf<actors::ListProfiles> : BrokerLine<actors::ProfileList> {};
template <>
struct LineOf<actors::GetProfile> : BrokerLine<actors::ProfileStatus> {};
template <>
struct LineOf<actors::ConfigureProfile> : BrokerLine<actors::ProfileStatus> {};
template <>
struct LineOf<actors::ApplyProfiles> : BrokerLine<actors::Done> {};
template <>
struct LineOf<actors::ConfigurePool> : BrokerLine<actors::Done> {};
template <>
struct LineOf<actors::ApplyPools> : BrokerLine<actors::Done> {};
template <>
struct LineOf<actors::ShelveTasks> : BrokerLine<actors::Done> {};
template <>
struct LineOf<actors::FindPositions> : BrokerLine<actors::Positions> {};
template <>
struct LineOf<actors::CancelTask> : BrokerLine<actors::Done> {};
template <>
struct LineOf<actors::ListAgents> : BrokerLine<actors::AgentList> {};
template <>
struct LineOf<actors::GetAgent> : BrokerLine<actors::AgentAnswer> {};
template <>
struct LineOf<actors::PutAgent> : BrokerLine<actors::AgentAnswer> {};
template <>
struct LineOf<actors::DeleteAgent> : BrokerLine<actors::AgentAnswer> {};
template <>
struct LineOf<actors::MarkSlot> : BrokerLine<actors::SlotAnswer> {};
template <>
struct LineOf<actors::RenewSlot> : BrokerLine<actors::SlotAnswer> {};
template <>
struct LineOf<actors::ReleaseSlot> : BrokerLine<actors::SlotAnswer> {};
template <>
struct LineOf<actors::ListLlms> : Line<&actors::House::directory, actors::LlmList> {};
template <>
struct LineOf<actors::ListPools> : Line<&actors::House::directory, actors::PoolList> {};
template <>
struct LineOf<actors::ListCalls> : Line<&actors::House::metrics, actors::CallPage> {};
template <>
struct LineOf<actors::SaveCalls> : Line<&actors::House::metrics, actors::Done> {};
template <>
struct LineOf<actors::GetFigures> : Line<&actors::House::metrics, actors::Figures> {};
template <>
struct LineOf<actors::RegisterWorker> : RegistrarLine<actors::SessionAnswer> {};
template <>
struct LineOf<actors::WorkerHeartbeat> : RegistrarLine<actors::SessionAnswer> {};
template <>
struct LineOf<actors::WorkerChunks> : RegistrarLine<actors::WorkerReply> {};
template <>
struct LineOf<actors::WorkerResult> : RegistrarLine<actors::WorkerReply> {};
template <>
struct LineOf<actors::DrainWorker> : RegistrarLine<actors::SessionAnswer> {};
template <>
struct LineOf<actors::LeaveWorker> : RegistrarLine<actors::SessionAnswer> {};
template <>
struct LineOf<actors::GetWorker> : RegistrarLine<actors::SessionAnswer> {};
template <>
struct LineOf<actors::HearPushWorker> : Line<&actors::House::push_desk, actors::PushAnswer> {};
template <>
struct LineOf<actors::ListWorkers> : RegistrarLine<actors::WorkerList> {};

}  // namespace

void FrontState::begin(BeginCall& message) {
  Call& call = x_calls[message.call];
  call.reply_box = std::move(message.reply_box);
  if (auto* submit = std::get_if<actors::SubmitTask>(&message.message)) {
    call.subject = submit->task.id;
    submit->call = message.call;
    submit->listener = x_self;
    x_self->send(x_house.broker, std::move(*submit));
  } else if (auto* watch = std::get_if<actors::WatchTask>(&message.message)) {
    call.subject = watch->task;
    watch->call = message.call;
    watch->listener = x_self;
    x_self->send(x_house.broker, std::move(*watch));
  } else {
    auto& acquire = std::get<actors::AcquireSlot>(message.message);
    call.subject = acquire.request.id;
    acquire.call = message.call;
    acquire.listener = x_self;
    x_self->send(x_house.broker, std::move(acquire));
  }
}

void FrontState::begin(BeginChannel& message) {
  Call& call = x_calls[message.channel];
  call.reply_box = std::move(message.reply_box);
  call.subject = message.key.session;
  x_self->send(x_house.registrar,
               actors::BindWorker{std::move(message.key), message.channel, x_self});
}

void FrontState::hang_up(actors::CallNumber number) {
  const auto place = x_calls.find(number);
  if (place == x_calls.end()) return;
  const Call& call = place->second;
  if (const auto* task = std::get_if<TaskId>(&call.subject)) {
    x_self->send(x_house.broker, actors::CallerGone{*task, number, x_self});
  } else if (const auto* slot = std::get_if<SlotId>(&call.subject)) {
    x_self->send(x_house.broker, actors::DropSlot{*slot});
  } else {
    x_self->send(x_house.registrar,
                 actors::UnbindWorker{std::get<SessionId>(call.subject), number});
  }
  call.reply_box->put(HungUp{});
  x_calls.erase(place);
}

void FrontState::pass_on(actors::CallNumber number, Arrival arrival, bool is_last) {
  const auto place = x_calls.find(number);
  if (place == x_calls.end()) return;
  crash_point("front.before_reply");
  if (!place->second.reply_box->put(std::move(arrival))) {
    hang_up(number);
  } else if (is_last) {
    x_calls.erase(place);
  }
}

void FrontState::dismiss(const DismissCalls& message) {
  std::erase_if(x_calls, [&message](const auto& entry) {
    const Call& call = entry.second;
    if (std::holds_alternative<SessionId>(call.subject)) return false;
    Error error = message.error;
    if (const auto* task = std::get_if<TaskId>(&call.subject)) {
      error = std::move(error).with("task", task->to_string());
    }
    call.reply_box->put(std::move(error));
    return true;
  });
  message.done->put(actors::Done{});
}

void FrontState::ask(Ask& message) {
  const auto& reply_box = message.reply_box;
  std::visit(
      [&]<class Question>(Question& question) {
        using Answer = typename LineOf<Question>::Answer;
        x_self->request(x_house.*LineOf<Question>::desk, answer_patience, std::move(question))
            .then([reply_box](Answer& answer) { reply_box->put(std::move(answer)); },
                  [reply_box](const caf::error&) {
                    reply_box->put(
                        make_error(ErrorCode::store_failed, "the broker did not answer in time"));
                  });
      },
      message.question);
}

// Its place in the queue goes with it, and before it: the thread wakes once.
void FrontState::accepted(const actors::TaskAccepted& message) {
  if (message.task->state != TaskState::pending) {
    pass_on(message.call, message, false);
    return;
  }
  actors::FindPositions question{{{message.task->profile, message.task->id}}};
  x_self->request(x_house.broker, answer_patience, std::move(question))
      .then(
          [this, message](actors::Positions& positions) {
            pass_on(message.call, std::move(positions), false);
            pass_on(message.call, message, false);
          },
          [this, message](const caf::error&) { pass_on(message.call, message, false); });
}

FrontActor::behavior_type FrontState::make_behavior(actors::House house) {
  x_house = std::move(house);
  return {
      [this](actors::TaskRefused& message) { pass_on(message.call, std::move(message), true); },
      [this](const actors::TaskAccepted& message) { accepted(message); },
      [this](actors::TaskBegan& message) { pass_on(message.call, std::move(message), false); },
      [this](actors::TaskData& message) { pass_on(message.call, std::move(message), false); },
      [this](actors::TaskMoved& message) { pass_on(message.call, std::move(message), false); },
      [this](actors::TaskReset& message) { pass_on(message.call, std::move(message), false); },
      [this](actors::TaskEnded& message) { pass_on(message.call, std::move(message), true); },
      [this](actors::ChannelOpened& message) { pass_on(message.channel, message, false); },
      [this](actors::WorkerFrame& message) { pass_on(message.channel, std::move(message), false); },
      [this](actors::ChannelClosed& message) { pass_on(message.channel, message, true); },
      [this](const actors::SlotWaiting& message) { pass_on(message.call, message, false); },
      [this](const actors::SlotAdmitted& message) { pass_on(message.call, message, false); },
      [this](const actors::SlotEnded& message) { pass_on(message.call, message, true); },
      [this](BeginCall& message) { begin(message); },
      [this](BeginChannel& message) { begin(message); },
      [this](const HangUp& message) { hang_up(message.call); },
      [this](const LeaveCall& message) { x_calls.erase(message.call); },
      [this](const DropCall& message) { pass_on(message.call, HungUp{}, true); },
      [this](const DismissCalls& message) { dismiss(message); },
      [this](Ask& message) { ask(message); },
  };
}

FrontActor::behavior_type front_actor(FrontActor::stateful_pointer<FrontState> self,
                                      actors::House house) {
  return self->state.make_behavior(std::move(house));
}

}  // namespace signalbox::http
