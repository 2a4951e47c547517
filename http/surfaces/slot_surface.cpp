#include "http/surfaces/slot_surface.hpp"

#include "http/front/error_response.hpp"
#include "http/front/render.hpp"
#include "http/surfaces/slot_request.hpp"
#include "http/text/json_writer.hpp"
#include "http/text/sse_event.hpp"

namespace signalbox::http {
namespace {

std::string slot_object(const actors::SlotStatus& status) {
  const SlotRequest& request = status.request;
  JsonWriter json;
  json.begin_object().key("id").string(request.id.to_string());
  json.key("profile").string(request.profile);
  json.key("priority").string(to_string(request.priority));
  json.key("queue_wait_s").number(to_seconds(request.queue_wait));
  json.key("inference_s").number(to_seconds(request.inference));
  json.key("lease_s");
  if (request.lease > Duration::zero())
    json.number(to_seconds(request.lease));
  else
    json.null();
  json.key("admitted_at").time(status.admitted_at);
  json.key("queue_wait_ms").number(status.queue_wait_ms);
  json.end_object();
  return json.take();
}

std::string waiting_object(const actors::SlotWaiting& waiting) {
  JsonWriter json;
  json.begin_object().key("position").number(static_cast<std::int64_t>(waiting.position));
  json.key("estimated_wait_s").number(waiting.estimated_wait_s).end_object();
  return json.take();
}

/// Whoever waits for a slot, or holds one by its connection.
class SlotWait {
 public:
  enum class Way : std::uint8_t { post, hold };

  SlotWait(Context& context, Way way) : x_context{context}, x_way{way} {}

  void run(actors::AcquireSlot acquire) {
    Services& services = x_context.services;
    acquire.request.id = SlotId{services.ports.ids->next()};
    acquire.request.request_id = x_context.request_id;
    x_number = services.next_call++;
    caf::anon_send(services.front, BeginCall{x_number, x_reply_box, std::move(acquire)});
    watch_hang_up(x_context, x_number);
    while (!x_is_over) {
      auto arrival = x_reply_box->take(ReplyBox::Clock::now() + ping_interval);
      if (arrival)
        std::visit([this](auto& each) { take(each); }, *arrival);
      else
        write(ping_event);
    }
    if (x_is_cut) caf::anon_send(services.front, HangUp{x_number});
  }

 private:
  void take(const actors::SlotWaiting& waiting) { tell("waiting", waiting_object(waiting)); }

  void take(const actors::SlotAdmitted& admitted) {
    const std::string slot = slot_object(admitted.status);
    if (x_way == Way::hold) return tell("admitted", slot);
    // From here on its lease is what holds it, not this connection.
    caf::anon_send(x_context.services.front, LeaveCall{x_number});
    x_is_over = true;
    Response response;
    response.status = 201;
    response.body = slot;
    response.headers.emplace_back("Location",
                                  "/api/v1/slots/" + admitted.status.request.id.to_string());
    x_context.send(std::move(response));
  }

  void take(const actors::SlotEnded& ended) { end(ended.error); }

  void take(const HungUp&) { x_is_over = true; }
  void take(const Error& error) { end(error); }
  /// Nothing else comes to a slot.
  template <class Other>
  void take(const Other&) {}

  void end(const Error& error) {
    x_is_over = true;
    if (!x_has_begun) return x_context.send_error(error);
    if (error.code != ErrorCode::none) {
      write(sse_event("error", "", error_body(error, x_context.request_id)));
    }
    x_context.responder.end_stream();
  }

  void tell(std::string_view event, const std::string& data) {
    if (!x_has_begun) {
      Response response;
      response.content_type = event_stream;
      response.headers.emplace_back("X-Request-Id", x_context.request_id);
      x_context.responder.begin_stream(response);
      x_has_begun = true;
    }
    write(sse_event(event, "", data));
  }

  void write(std::string_view bytes) {
    if (!x_has_begun || x_context.responder.write(bytes)) return;
    x_is_over = true;
    x_is_cut = true;
  }

  Context& x_context;
  const Way x_way;
  std::shared_ptr<ReplyBox> x_reply_box = std::make_shared<ReplyBox>();
  actors::CallNumber x_number = 0;
  bool x_has_begun = false;
  bool x_is_over = false;
  bool x_is_cut = false;
};

void wait_for_slot(Context& context, SlotWait::Way way, Result<actors::AcquireSlot> acquire) {
  if (acquire.has_error()) return context.send_error(acquire.error());
  SlotWait{context, way}.run(std::move(*acquire));
}

/// @returns slot_not_found for what is no id.
Result<actors::SlotKey> read_key(const Context& context, const std::string& slot,
                                 std::string_view grant_for_all) {
  const auto id = SlotId::parse(slot);
  if (!id) return make_error(ErrorCode::slot_not_found, "there is no such slot");
  return actors::SlotKey{*id, context.caller.owner, context.caller.may(grant_for_all)};
}

/// @returns what the slot says, or why there is none.
template <class Question>
Result<actors::SlotAnswer> ask_slot(Context& context, Question question) {
  auto answer = ask<actors::SlotAnswer>(context.services, std::move(question));
  if (answer.has_value() && answer->error.code != ErrorCode::none) {
    return {boost::system::in_place_error, std::move(answer->error)};
  }
  return answer;
}

}  // namespace

void answer_acquire_slot(Context& context) {
  const Request& request = context.request;
  wait_for_slot(context, SlotWait::Way::post,
                read_slot_body(request.body, request.headers, context.caller));
}

void answer_hold_slot(Context& context) {
  const Request& request = context.request;
  wait_for_slot(context, SlotWait::Way::hold,
                read_slot_query(request.query, request.headers, context.caller));
}

void answer_mark_slot(Context& context, const std::string& slot) {
  auto key = read_key(context, slot, "slots:edit");
  if (key.has_error()) return context.send_error(key.error());
  const auto mark = read_slot_mark(context.request.body);
  if (mark.has_error()) return context.send_error(mark.error());
  const auto answer = ask_slot(context, actors::MarkSlot{std::move(*key), *mark});
  if (answer.has_error()) return context.send_error(answer.error());
  context.send_json(slot_object(answer->status));
}

void answer_renew_slot(Context& context, const std::string& slot) {
  auto key = read_key(context, slot, "slots:edit");
  if (key.has_error()) return context.send_error(key.error());
  const auto answer = ask_slot(context, actors::RenewSlot{std::move(*key)});
  if (answer.has_error()) return context.send_error(answer.error());
  context.send_json(slot_object(answer->status));
}

void answer_release_slot(Context& context, const std::string& slot) {
  auto key = read_key(context, slot, "slots:delete");
  if (key.has_error()) return context.send_error(key.error());
  auto outcome = read_slot_outcome(context.request.body);
  if (outcome.has_error()) return context.send_error(outcome.error());
  const auto answer = ask_slot(context, actors::ReleaseSlot{std::move(*key), std::move(*outcome)});
  if (answer.has_error()) return context.send_error(answer.error());
  JsonWriter json;
  write_call(json, *answer->row);
  context.send_json(json.take());
}

}  // namespace signalbox::http
