// Reads the body of an inference call just far enough: what to route on and what may not go to a
// backend. All other bytes stay the caller's own.
#pragma once

#include <string>
#include <string_view>

#include "core/policies/waiter_view.hpp"
#include "core/tasks/task.hpp"
#include "http/front/call_options.hpp"

namespace signalbox::http {

struct InferenceRequest {
  TaskKind kind = TaskKind::chat;
  std::string model;
  bool streaming = false;
  BodyPriority priority;
  /// The body's `user` where it can be a session key; it goes on to the backend all the same.
  std::string session;
  CallSize size;
  /// The body as it goes to the backend, but for the model's name.
  std::string body;
};

/// Whether the body must name a model.
enum class ModelMember : std::uint8_t { required, optional };

/// @returns invalid_json, or invalid_request with `param`.
Result<InferenceRequest> read_inference_request(std::string body, TaskKind kind, ModelMember model);

/// What a body says of its call's size: a prompt has about a token per four bytes, and the most
/// that is to be answered is `max_completion_tokens`, `max_tokens` or `max_output_tokens` where one
/// is a whole number. An embedding is one token's work beside its input. @pre check_json(body).
CallSize declared_size(std::string_view body, TaskKind kind);

/// The class of calls of that kind when nobody says otherwise (mission A2).
constexpr Priority default_priority(TaskKind kind) {
  return kind == TaskKind::embedding ? Priority::background : Priority::workflow;
}

}  // namespace signalbox::http
