// Reads the body of an inference call just far enough: what to route on and what may not go to a
// backend. All other bytes stay the caller's own.
#pragma once

#include <string>

#include "core/task.hpp"
#include "http/call_options.hpp"

namespace signalbox::http {

struct InferenceRequest {
  TaskKind kind = TaskKind::chat;
  std::string model;
  bool streaming = false;
  BodyPriority priority;
  /// The body's `user` where it can be a session key; it goes on to the backend all the same.
  std::string session;
  /// The body as it goes to the backend, but for the model's name.
  std::string body;
};

/// Whether the body must name a model.
enum class ModelMember : std::uint8_t { required, optional };

/// @returns invalid_json, or invalid_request with `param`.
Result<InferenceRequest> read_inference_request(std::string body, TaskKind kind, ModelMember model);

/// The class of calls of that kind when nobody says otherwise (mission A2).
constexpr Priority default_priority(TaskKind kind) {
  return kind == TaskKind::embedding ? Priority::background : Priority::workflow;
}

}  // namespace signalbox::http
