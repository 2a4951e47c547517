// What the surfaces answer from, and the one request they answer.
#pragma once

#include <atomic>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/messages/ports.hpp"
#include "http/edge/server.hpp"
#include "http/front/auth.hpp"
#include "http/front/events_actor.hpp"
#include "http/front/front_actor.hpp"
#include "http/upstream/relay_meter.hpp"

namespace signalbox::http {

struct Services {
  FrontActor front;
  EventsActor events;
  actors::Ports ports;
  std::string version;
  /// The application's, which lives as long as there are requests.
  const Authenticator* authenticator = nullptr;
  std::vector<std::string> allowed_hosts;
  /// Where push workers may live (`workers.allow_hosts`).
  std::vector<std::string> push_hosts;
  /// How long a caller is kept waiting for its task.
  std::chrono::seconds await_timeout{600};
  /// How often workers are asked to be heard of.
  std::chrono::seconds heartbeat_interval{30};
  std::chrono::steady_clock::time_point started_at = std::chrono::steady_clock::now();
  /// True between start and drain.
  std::atomic<bool> is_ready{false};
  /// Connections are cut by us from now on: their callers have not hung up, and their tasks live
  /// on.
  std::atomic<bool> is_stopping{false};
  /// Callers that wait for an answer of a backend.
  std::atomic<std::size_t> calls_in_progress{0};
  /// Who follows the live events.
  std::atomic<std::size_t> event_listeners{0};
  RelayMeter relay;
  /// Reads the configuration again. @returns the violations, or nothing.
  std::function<std::optional<Error>()> reload;
  std::atomic<actors::CallNumber> next_call{1};
};

/// One request, past authentication.
struct Context {
  Services& services;
  const Request& request;
  Responder& responder;
  Caller caller;
  std::string request_id;

  /// Answers with the request id added.
  void send(Response response) const {
    response.headers.emplace_back("X-Request-Id", request_id);
    responder.send(std::move(response));
  }
  void send_error(const Error& error) const;
  void send_json(std::string body, int status = 200) const {
    Response response;
    response.status = status;
    response.body = std::move(body);
    send(std::move(response));
  }
};

/// For those who wait for their call `number`: the front is told when their client leaves. When it
/// is us who cut the connection, nobody has left, and the task or session lives on.
inline void watch_hang_up(Context& context, actors::CallNumber number) {
  context.responder.on_hang_up([&services = context.services, number] {
    if (services.is_stopping) {
      caf::anon_send(services.front, DropCall{number});
    } else {
      caf::anon_send(services.front, HangUp{number});
    }
  });
}

/// A bit more than the front's own patience with the actors.
inline constexpr std::chrono::seconds ask_patience{12};

/// Puts a question to the actors. @returns the answer, or an error when none came in time.
template <class Answer, class Question>
Result<Answer> ask(Services& services, Question question) {
  const auto reply_box = std::make_shared<ReplyBox>();
  caf::anon_send(services.front, Ask{reply_box, std::move(question)});
  auto arrival = reply_box->take(ReplyBox::Clock::now() + ask_patience);
  if (arrival) {
    if (auto* answer = std::get_if<Answer>(&*arrival)) return std::move(*answer);
    if (auto* error = std::get_if<Error>(&*arrival))
      return {boost::system::in_place_error, std::move(*error)};
  }
  return {boost::system::in_place_error,
          make_error(ErrorCode::store_failed, "the broker did not answer in time")};
}

}  // namespace signalbox::http
