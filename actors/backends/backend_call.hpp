// What an executor hands to its backend.
#pragma once

#include "actors/messages/messages.hpp"

namespace signalbox::actors {

inline BackendCall backend_call(const RunTask& message) {
  const Task& task = *message.task;
  BackendCall call;
  call.task = task.id;
  call.kind = task.kind;
  call.request = message.request;
  call.model = message.model;
  call.streaming = task.streaming;
  call.request_id = task.request_id;
  call.traceparent = task.traceparent;
  return call;
}

}  // namespace signalbox::actors
