#include "http/surfaces/push_surface.hpp"

#include "http/surfaces/push_heartbeat.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::http {

void answer_push_heartbeat(Context& context) {
  auto heartbeat = read_push_heartbeat(context.request.body, context.request.remote_address);
  if (heartbeat.has_error()) return context.send_error(heartbeat.error());
  if (!is_allowed_host(heartbeat->host, context.services.push_hosts)) {
    return context.send_error(
        make_error(ErrorCode::forbidden,
                   "workers at " + heartbeat->host + " are not among workers.allow_hosts")
            .at_param("worker.host"));
  }
  const std::string id = heartbeat->id;
  const auto answer = ask<actors::PushAnswer>(
      context.services, actors::HearPushWorker{context.caller.owner, std::move(*heartbeat)});
  if (answer.has_error()) return context.send_error(answer.error());
  if (answer->error.code != ErrorCode::none) return context.send_error(answer->error);
  JsonWriter json;
  json.begin_object().key("status").string("ok");
  json.key("message").string("heard of worker " + id).end_object();
  context.send_json(json.take());
}

}  // namespace signalbox::http
