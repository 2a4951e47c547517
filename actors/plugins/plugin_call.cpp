#include "actors/plugins/plugin_call.hpp"

#include <exception>

#include "core/backends/answer_bound.hpp"
#include "core/base/event_text.hpp"

namespace signalbox::actors {
namespace {

constexpr const char* json_type = "application/json";

BackendFailed failure(ErrorCode code, std::string message, bool is_retryable) {
  BackendFailed failed;
  failed.error = make_error(code, std::move(message));
  failed.error.from_backend = true;
  failed.retryable = is_retryable;
  return failed;
}

}  // namespace

PluginCall::PluginCall(BackendCall call, BackendListener listener,
                       std::unique_ptr<StreamJoiner> joiner)
    : x_call{std::move(call)},
      x_id{x_call.task.to_string()},
      x_joiner{std::move(joiner)},
      x_listener{std::move(listener)} {}

plugin::Kind PluginCall::kind() const {
  switch (x_call.kind) {
    case TaskKind::completion:
      return plugin::Kind::completion;
    case TaskKind::embedding:
      return plugin::Kind::embedding;
    // The broker sends native chats to upstreams of LM Studio alone.
    case TaskKind::native_chat:
    case TaskKind::chat:
      break;
  }
  return plugin::Kind::chat;
}

bool PluginCall::say(std::string_view data) {
  if (is_cancelled() || x_is_too_long) return false;
  if (data == done_data) return true;
  x_said_bytes += data.size();
  x_is_too_long = x_said_bytes > answer_bytes_max;
  if (x_is_too_long) return false;
  x_joiner->add(data);
  // A caller who asked for no stream gets the body at the end.
  if (is_streaming()) {
    if (!x_has_said) tell(BackendBegan{200, std::string{event_stream_type}});
    std::string bytes;
    append_event(bytes, data);
    tell(BackendEvents{make_bytes(std::move(bytes))});
  }
  x_has_said = true;
  return true;
}

plugin::Answer PluginCall::run(plugin::Backend& backend) noexcept {
  try {
    return backend.run(*this);
  } catch (const std::exception& exception) {
    return plugin::Answer::failed(std::string{"the plugin threw: "} + exception.what(), true);
  } catch (...) {
    return plugin::Answer::failed("the plugin threw what is no std::exception", true);
  }
}

BackendEvent PluginCall::end_of(plugin::Answer answer) const {
  if (is_cancelled()) return failure(ErrorCode::backend_stream_failed, "aborted", false);
  if (x_is_too_long || answer.body.size() > answer_bytes_max) {
    return failure(ErrorCode::backend_error, "the plugin's answer is longer than 64 MiB", false);
  }
  if (answer.failure) {
    // Of a stream that began, a part is all that came.
    const auto code = x_has_said ? ErrorCode::backend_stream_failed : ErrorCode::backend_error;
    return failure(code, std::move(answer.failure.message), answer.is_retryable);
  }
  if (!x_has_said) {
    if (answer.body.empty()) {
      return failure(ErrorCode::backend_error, "the plugin returned without an answer", true);
    }
    return BackendFinished{200, json_type, make_bytes(std::move(answer.body)), nullptr};
  }
  if (!is_streaming()) {
    return BackendFinished{200, json_type, make_bytes(x_joiner->body()), nullptr};
  }
  std::string tail;
  append_event(tail, done_data);
  return BackendFinished{200, std::string{event_stream_type}, make_bytes(x_joiner->body()),
                         make_bytes(std::move(tail))};
}

void PluginCall::end(plugin::Answer answer) {
  tell(end_of(std::move(answer)));
  disconnect();
}

void PluginCall::tell(BackendEvent event) {
  const std::lock_guard lock{x_mutex};
  if (x_listener) x_listener(std::move(event));
}

void PluginCall::disconnect() {
  const std::lock_guard lock{x_mutex};
  x_listener = nullptr;
}

}  // namespace signalbox::actors
