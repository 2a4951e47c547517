#include "http/surfaces/inference_request.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

// Without these no backend can do anything with a call of the kind.
std::optional<Error> check_subject(const std::vector<Member>& members, TaskKind kind) {
  const auto has = [&](std::string_view name) {
    const Member* member = find_member(members, name);
    return member != nullptr && member->value != "null";
  };
  switch (kind) {
    case TaskKind::chat: {
      const Member* messages = find_member(members, "messages");
      if (messages == nullptr || !messages->value.starts_with('[')) {
        return invalid_request("messages must be an array", "messages");
      }
      return std::nullopt;
    }
    case TaskKind::completion:
      if (!has("prompt")) return invalid_request("prompt is missing", "prompt");
      return std::nullopt;
    case TaskKind::embedding:
      if (!has("input")) return invalid_request("input is missing", "input");
      return std::nullopt;
    case TaskKind::native_chat:
      return std::nullopt;
  }
  return std::nullopt;
}

Result<bool> read_stream(const std::vector<Member>& members) {
  const Member* stream = find_member(members, "stream");
  if (stream == nullptr || stream->value == "null" || stream->value == "false") return false;
  if (stream->value == "true") return true;
  return invalid_request("stream must be true or false", "stream");
}

Result<std::string> read_model(const std::vector<Member>& members, ModelMember rule) {
  const Member* model = find_member(members, "model");
  if (model == nullptr || model->value == "null") {
    if (rule == ModelMember::optional) return std::string{};
    return invalid_request("model is missing: GET /v1/models lists what there is", "model");
  }
  auto name = unquote(model->value);
  if (!name || name->empty()) return invalid_request("model must be a name", "model");
  return *name;
}

CallSize size_of(std::span<const Member> members, std::size_t bytes, TaskKind kind) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  CallSize size;
  size.tokens_in = static_cast<std::uint32_t>(std::min((bytes + 3) / 4, most));
  if (kind == TaskKind::embedding) {
    size.tokens_out_max = 1;
    return size;
  }
  for (const char* name : {"max_completion_tokens", "max_tokens", "max_output_tokens"}) {
    const Member* member = find_given(members, name);
    if (member != nullptr && read_number(member->value, size.tokens_out_max)) break;
    size.tokens_out_max = 0;
  }
  return size;
}

}  // namespace

CallSize declared_size(std::string_view body, TaskKind kind) {
  return size_of(members_of(body), body.size(), kind);
}

Result<InferenceRequest> read_inference_request(std::string body, TaskKind kind,
                                                ModelMember model) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  InferenceRequest request;
  request.kind = kind;
  auto name = read_model(*members, model);
  if (name.has_error()) return name.error();
  request.model = std::move(*name);
  if (auto error = check_subject(*members, kind)) return *error;
  const auto streaming = read_stream(*members);
  if (streaming.has_error()) return streaming.error();
  if (*streaming && kind == TaskKind::embedding) {
    return invalid_request("embeddings cannot be streamed", "stream");
  }
  request.streaming = *streaming;
  if (const Member* user = find_member(*members, "user")) {
    if (auto key = unquote(user->value); key && is_session_key(*key)) {
      request.session = std::move(*key);
    }
  }
  request.size = size_of(*members, body.size(), kind);
  if (const Member* tier = find_member(*members, "service_tier")) {
    request.priority = body_priority(unquote(tier->value).value_or(""));
  }
  if (request.priority.priority) {
    const std::array edits{Edit{"service_tier", std::nullopt}};
    request.body = splice(body, *members, edits);
  } else {
    request.body = std::move(body);
  }
  return request;
}

}  // namespace signalbox::http
