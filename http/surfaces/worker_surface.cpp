#include "http/surfaces/worker_surface.hpp"

#include "http/front/render.hpp"
#include "http/surfaces/worker_frames.hpp"
#include "http/text/json_writer.hpp"
#include "http/text/sse_event.hpp"

namespace signalbox::http {
namespace {

enum class Purpose : std::uint8_t { look, change };

/// Others' sessions are not there for a caller without the grant.
bool sees_all(const Caller& caller, Purpose purpose) {
  return caller.may("workers:edit") || (purpose == Purpose::look && caller.may("workers:view"));
}

/// @returns session_not_found for what is no id.
Result<actors::SessionKey> read_key(const Context& context, const std::string& session,
                                    Purpose purpose = Purpose::change) {
  const auto id = SessionId::parse(session);
  if (!id || id->is_nil()) {
    return make_error(ErrorCode::session_not_found, "there is no such session");
  }
  return actors::SessionKey{*id, context.caller.owner, sees_all(context.caller, purpose)};
}

/// @returns the status, or why there is none.
template <class Question>
Result<actors::SessionStatus> ask_session(Context& context, Question question) {
  auto answer = ask<actors::SessionAnswer>(context.services, std::move(question));
  if (answer.has_error()) return answer.error();
  if (answer->error.code != ErrorCode::none) return answer->error;
  return std::move(answer->status);
}

template <class Question>
void send_session(Context& context, const std::string& session, Purpose purpose) {
  auto key = read_key(context, session, purpose);
  if (key.has_error()) return context.send_error(key.error());
  const auto status = ask_session(context, Question{std::move(*key)});
  if (status.has_error()) return context.send_error(status.error());
  JsonWriter json;
  write_worker(json, *status);
  context.send_json(json.take());
}

/// A worker without a session goes by its own id.
void send_push_worker(Context& context, const std::string& id) {
  const auto list = ask<actors::WorkerList>(
      context.services,
      actors::ListWorkers{context.caller.owner, sees_all(context.caller, Purpose::look)});
  if (list.has_error()) return context.send_error(list.error());
  for (const auto& worker : list->workers) {
    if (!worker.push || worker.push->id != id) continue;
    JsonWriter json;
    write_worker(json, worker);
    return context.send_json(json.take());
  }
  context.send_error(make_error(ErrorCode::session_not_found, "there is no such session"));
}

/// Passes on what a worker brought for one task. @param message made from its body.
/// @returns whether it had been accepted before.
template <class Message>
Result<bool> bring(Context& context, const std::string& session, const std::string& task,
                   Result<Message> message) {
  auto key = read_key(context, session);
  if (key.has_error()) return key.error();
  if (message.has_error()) return message.error();
  const auto id = TaskId::parse(task);
  if (!id) return make_error(ErrorCode::stale_claim, "this session holds no such task");
  message->key = std::move(*key);
  message->task = *id;
  message->received_at = std::chrono::steady_clock::now();
  auto reply = ask<actors::WorkerReply>(context.services, std::move(*message));
  if (reply.has_error()) return reply.error();
  if (reply->error.code != ErrorCode::none) return reply->error;
  return reply->is_duplicate;
}

/// Frames that wait for each other at most, so that a slow worker is noticed.
constexpr std::size_t burst_bytes = std::size_t{64} * 1024;

/// The connection that is a session's channel.
class BoundWorker {
 public:
  explicit BoundWorker(Context& context) : x_context{context} {}

  void run(actors::SessionKey key) {
    Services& services = x_context.services;
    const actors::CallNumber number = services.next_call++;
    caf::anon_send(services.front, BeginChannel{number, x_reply_box, std::move(key)});
    watch_hang_up(x_context, number);
    while (!x_is_over) {
      const auto patience = x_is_open ? ping_interval : ask_patience;
      auto arrival = x_reply_box->take(ReplyBox::Clock::now() + patience);
      if (arrival)
        take_burst(std::move(arrival));
      else if (x_is_open)
        write(ping_event);
      else
        refuse(make_error(ErrorCode::store_failed, "the broker did not answer in time"));
    }
    if (x_is_cut) caf::anon_send(services.front, HangUp{number});
  }

 private:
  /// A commit frees many calls at once: their frames leave in one piece.
  void take_burst(std::optional<Arrival> arrival) {
    for (; arrival; arrival = x_reply_box->take_if_any()) {
      std::visit([this](auto& each) { take(each); }, *arrival);
      if (x_is_over || x_unsent.size() >= burst_bytes) break;
    }
    flush();
  }

  void take(actors::ChannelOpened&) {
    Response response;
    response.content_type = event_stream;
    response.headers.emplace_back("X-Request-Id", x_context.request_id);
    x_context.responder.begin_stream(response);
    x_is_open = true;
  }
  void take(actors::WorkerFrame& frame) { x_unsent += frame_event(frame); }
  void take(actors::ChannelClosed& closed) {
    flush();
    x_is_over = true;
    if (x_is_open)
      x_context.responder.end_stream();
    else
      x_context.send_error(closed.error);
  }
  void take(HungUp&) { x_is_over = true; }
  void take(Error& error) { refuse(error); }
  /// Nothing else comes to a channel.
  template <class Other>
  void take(Other&) {}

  void flush() {
    if (!x_unsent.empty()) write(x_unsent);
    x_unsent.clear();
  }
  void write(std::string_view bytes) {
    if (!x_is_open || x_context.responder.write(bytes)) return;
    x_is_over = true;
    x_is_cut = true;
  }
  void refuse(const Error& error) {
    x_context.send_error(error);
    x_is_over = true;
    x_is_cut = true;
  }

  Context& x_context;
  std::shared_ptr<ReplyBox> x_reply_box = std::make_shared<ReplyBox>(channel_unread_bytes_max);
  std::string x_unsent;
  bool x_is_open = false;
  bool x_is_over = false;
  bool x_is_cut = false;
};

}  // namespace

void answer_register_worker(Context& context) {
  auto registration = read_registration(context.request.body);
  if (registration.has_error()) return context.send_error(registration.error());
  registration->key.owner = context.caller.owner;
  registration->key.sees_all = sees_all(context.caller, Purpose::change);
  registration->address = context.request.remote_address;
  const auto status = ask_session(context, std::move(*registration));
  if (status.has_error()) return context.send_error(status.error());
  const std::string id = status->session.to_string();
  JsonWriter json;
  json.begin_object().key("session").string(id).key("llms").begin_array();
  for (const Llm& llm : status->llms) write_offered_llm(json, llm);
  json.end_array().end_object();
  Response response;
  response.status = 201;
  response.body = json.take();
  response.headers.emplace_back("Location", "/api/v1/workers/" + id);
  context.send(std::move(response));
}

void answer_list_workers(Context& context) {
  const auto list = ask<actors::WorkerList>(
      context.services,
      actors::ListWorkers{context.caller.owner, sees_all(context.caller, Purpose::look)});
  if (list.has_error()) return context.send_error(list.error());
  JsonWriter json;
  json.begin_object().key("workers").begin_array();
  for (const auto& worker : list->workers) write_worker(json, worker);
  json.end_array().end_object();
  context.send_json(json.take());
}

void answer_get_worker(Context& context, const std::string& session) {
  if (!SessionId::parse(session)) return send_push_worker(context, session);
  send_session<actors::GetWorker>(context, session, Purpose::look);
}

void answer_leave_worker(Context& context, const std::string& session) {
  send_session<actors::LeaveWorker>(context, session, Purpose::change);
}

void answer_drain_worker(Context& context, const std::string& session) {
  send_session<actors::DrainWorker>(context, session, Purpose::change);
}

void answer_bind_worker(Context& context, const std::string& session) {
  auto key = read_key(context, session);
  if (key.has_error()) return context.send_error(key.error());
  BoundWorker{context}.run(std::move(*key));
}

void answer_worker_heartbeat(Context& context, const std::string& session) {
  auto key = read_key(context, session);
  if (key.has_error()) return context.send_error(key.error());
  auto heartbeat = read_heartbeat(context.request.body);
  if (heartbeat.has_error()) return context.send_error(heartbeat.error());
  heartbeat->key = std::move(*key);
  const auto status = ask_session(context, std::move(*heartbeat));
  if (status.has_error()) return context.send_error(status.error());
  JsonWriter json;
  json.begin_object().key("session").string(status->session.to_string());
  json.key("heartbeat_interval_s");
  json.number(std::int64_t{context.services.heartbeat_interval.count()}).end_object();
  context.send_json(json.take());
}

void answer_worker_chunk(Context& context, const std::string& session, const std::string& task) {
  const auto reply = bring(context, session, task, read_chunks(context.request.body));
  if (reply.has_error()) return context.send_error(reply.error());
  context.send_json("{}");
}

void answer_worker_result(Context& context, const std::string& session, const std::string& task) {
  const auto reply = bring(context, session, task, read_result(context.request.body));
  if (reply.has_error()) return context.send_error(reply.error());
  context.send_json(*reply ? R"({"duplicate":true})" : R"({"duplicate":false})");
}

}  // namespace signalbox::http
