#include "actors/backends/backend_calls.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/backends/backend_call.hpp"

namespace signalbox::actors {
namespace {

bool is_end(const BackendEvent& event) {
  return std::holds_alternative<BackendFinished>(event) ||
         std::holds_alternative<BackendFailed>(event) || std::holds_alternative<BackendLost>(event);
}

bool is_unreachable(const BackendEvent& event) {
  const auto* failed = std::get_if<BackendFailed>(&event);
  return failed != nullptr && failed->error.code == ErrorCode::backend_unreachable;
}

}  // namespace

void BackendCalls::run(std::shared_ptr<Backend> backend, const RunTask& message,
                       std::function<void(const CallEnded&)> on_end) {
  auto listener = [reply_to = message.reply_to, on_end = std::move(on_end),
                   executor = message.executor, id = message.task->id,
                   epoch = message.epoch](BackendEvent event) {
    const bool has_ended = is_end(event);
    const CallEnded ended{id, epoch, executor, std::holds_alternative<BackendFinished>(event),
                          is_unreachable(event)};
    caf::anon_send(reply_to, BackendReport{epoch, std::move(event), {}});
    if (has_ended) on_end(ended);
  };
  Call& call = x_calls[{message.task->id, message.epoch}];
  call.backend = std::move(backend);
  call.number = call.backend->start(backend_call(message), std::move(listener));
}

void BackendCalls::abort(const AbortTask& message) {
  const auto place = x_calls.find({message.task, message.epoch});
  if (place != x_calls.end()) place->second.backend->cancel(place->second.number);
}

}  // namespace signalbox::actors
