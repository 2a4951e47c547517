#include "http/surfaces/worker_frames.hpp"

#include <algorithm>
#include <array>

#include "http/text/json_writer.hpp"
#include "http/text/read_members.hpp"
#include "http/text/sse_event.hpp"
#include "http/upstream/stream_assembler.hpp"
#include "http/upstream/upstream_errors.hpp"

namespace signalbox::http {
namespace {

using Frame = actors::WorkerFrame;

std::string text_of(const Frame::Infer& infer) {
  const Task& task = *infer.task;
  std::string request = infer.request ? *infer.request : "{}";
  if (!infer.model.empty()) {
    const std::array edits{Edit{"model", json_quote(infer.model)}};
    request = splice(request, edits);
  }
  JsonWriter json;
  json.begin_object().key("task").string(task.id.to_string());
  json.key("llm").string(infer.llm).key("model").string(infer.model);
  json.key("kind").string(to_string(task.kind));
  json.key("request").raw(on_one_line(std::move(request)));
  json.key("streaming").boolean(task.streaming);
  json.key("inference_s").number(static_cast<double>(task.inference_ms) / 1000);
  json.key("attempt").number(std::int64_t{infer.attempt}).end_object();
  return sse_event("infer", {}, json.take());
}

std::string text_of(const Frame::Wake& wake) {
  JsonWriter json;
  json.begin_object().key("task").string(wake.id.to_string());
  json.key("llm").string(wake.llm).end_object();
  return sse_event("wake", {}, json.take());
}

std::string text_of(const Frame::Cancel& cancel) {
  JsonWriter json;
  json.begin_object().key("task").string(cancel.task.to_string()).end_object();
  return sse_event("cancel", {}, json.take());
}

// A broker that stops comes back: SSE clients connect again after `retry`. Unit: ms.
std::string text_of(const Frame::Drain& drain) {
  return (drain.is_stopping ? "retry: 1000\n" : "") + sse_event("drain", {}, "{}");
}

/// @param word of a worker: `active` or `hibernating`, null = active.
Result<LlmStatus> read_status(const std::vector<Member>& members) {
  const auto word = read_string(members, "status");
  if (word.has_error()) return word.error();
  const std::string status = word->value_or("active");
  if (status == to_string(LlmStatus::active)) return LlmStatus::active;
  if (status == to_string(LlmStatus::hibernating)) return LlmStatus::hibernating;
  return invalid_request("status must be active or hibernating", "llms.status");
}

Result<OfferedLlm> read_offered_llm(std::string_view raw) {
  if (!raw.starts_with('{')) return invalid_request("an LLM is an object", "llms");
  const auto members = members_of(raw);
  OfferedLlm llm;
  for (const auto& [name, field] :
       {std::pair{"name", &llm.name}, std::pair{"type", &llm.type}, std::pair{"model", &llm.model},
        std::pair{"tier", &llm.tier}, std::pair{"pool", &llm.pool}}) {
    auto text = read_string(members, name);
    if (text.has_error()) return text.error().at_param(std::string{"llms."} + name);
    if (*text && (*text)->empty() && std::string_view{name} == "pool") {
      return invalid_request("a pool's name is 1-128 of [A-Za-z0-9._:/@+-]", "llms.pool");
    }
    *field = std::move(*text).value_or("");
  }
  if (const Member* capacity = find_given(members, "capacity");
      capacity != nullptr && !read_number(capacity->value, llm.capacity)) {
    return invalid_request("capacity must be a whole number", "llms.capacity");
  }
  const auto status = read_status(members);
  if (status.has_error()) return status.error();
  llm.status = *status;
  return llm;
}

Result<std::vector<std::string_view>> read_list(const std::vector<Member>& members,
                                                const std::string& name) {
  const Member* list = find_given(members, name);
  if (list == nullptr) return std::vector<std::string_view>{};
  if (!list->value.starts_with('[')) return invalid_request(name + " must be a list", name);
  return elements_of(list->value);
}

Result<std::optional<std::uint32_t>> read_attempt(const std::vector<Member>& members) {
  const Member* member = find_given(members, "attempt");
  if (member == nullptr) return std::optional<std::uint32_t>{};
  std::uint32_t attempt = 0;
  if (!read_number(member->value, attempt)) {
    return invalid_request("attempt must be the number from the infer event", "attempt");
  }
  return std::optional{attempt};
}

Result<actors::WorkerResult> read_whole(const std::vector<Member>& members,
                                        actors::WorkerResult result) {
  int status = 200;
  if (const Member* member = find_given(members, "status");
      member != nullptr && (!read_number(member->value, status) || status < 200 || status > 599)) {
    return invalid_request("status must be an HTTP status, 200 to 599", "status");
  }
  const Member* body = find_given(members, "body");
  if (status >= 400) {
    result.outcome = status_failure(status, body != nullptr ? body->value : std::string_view{}, {});
    return result;
  }
  actors::WorkerResult::Whole whole{status, "application/json", nullptr};
  if (body != nullptr) whole.body = make_bytes(std::string{body->value});
  result.outcome = std::move(whole);
  return result;
}

Result<bool> read_retryable(std::string_view raw_error) {
  if (!raw_error.starts_with('{')) return invalid_request("error must be an object", "error");
  const std::string_view retryable = value_of(raw_error, "retryable");
  if (retryable == "true") return true;
  if (retryable.empty() || retryable == "null" || retryable == "false") return false;
  return invalid_request("retryable must be true or false", "error.retryable");
}

BackendFailed worker_failure(std::string_view body, bool is_retryable) {
  std::string words = error_message_of(body);
  if (words.empty()) words = "the worker reported an error";
  BackendFailed failure{make_error(ErrorCode::backend_error, std::move(words)), is_retryable};
  failure.error.from_backend = true;
  return failure;
}

}  // namespace

std::string frame_event(const actors::WorkerFrame& frame) {
  return std::visit([](const auto& each) { return text_of(each); }, frame.frame);
}

Result<actors::RegisterWorker> read_registration(std::string_view body) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  actors::RegisterWorker registration;
  const auto session = read_string(*members, "session");
  if (session.has_error()) return session.error();
  if (*session) registration.key.session = SessionId::parse(**session).value_or(SessionId{});
  const auto llms = read_list(*members, "llms");
  if (llms.has_error()) return llms.error();
  for (const std::string_view raw : *llms) {
    auto llm = read_offered_llm(raw);
    if (llm.has_error()) return llm.error();
    registration.llms.push_back(std::move(*llm));
  }
  if (auto error = check(registration.llms)) return *error;
  return registration;
}

Result<actors::WorkerHeartbeat> read_heartbeat(std::string_view body) {
  actors::WorkerHeartbeat heartbeat;
  if (body.empty()) return heartbeat;
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  const auto llms = read_list(*members, "llms");
  if (llms.has_error()) return llms.error();
  if (llms->size() > session_llms_max) {
    return invalid_request("a worker offers at most 64 LLMs", "llms");
  }
  for (const std::string_view raw : *llms) {
    if (!raw.starts_with('{')) return invalid_request("an LLM is an object", "llms");
    const auto llm = members_of(raw);
    auto name = read_string(llm, "name");
    if (name.has_error() || !*name) return invalid_request("name is missing", "llms.name");
    const auto status = read_status(llm);
    if (status.has_error()) return status.error();
    heartbeat.llms.emplace_back(std::move(**name), *status);
  }
  return heartbeat;
}

Result<actors::WorkerChunks> read_chunks(std::string_view body) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  actors::WorkerChunks chunks;
  const auto attempt = read_attempt(*members);
  if (attempt.has_error()) return attempt.error();
  chunks.attempt = *attempt;
  auto raw = read_list(*members, "chunks");
  if (raw.has_error()) return raw.error();
  const Member* single = find_given(*members, "data");
  const bool has_list = find_given(*members, "chunks") != nullptr;
  if (has_list == (single != nullptr)) {
    return invalid_request("give either data or chunks", has_list ? "data" : "chunks");
  }
  if (single != nullptr) raw->push_back(single->value);
  for (const std::string_view each : *raw) {
    auto data = unquote(each);
    if (!data) {
      return invalid_request("a chunk is an event's data as a string",
                             has_list ? "chunks" : "data");
    }
    if (*data != "[DONE]") chunks.data.push_back(std::move(*data));
  }
  return chunks;
}

Result<actors::WorkerResult> read_result(std::string_view body) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  const auto attempt = read_attempt(*members);
  if (attempt.has_error()) return attempt.error();
  actors::WorkerResult result{
      .key = {}, .task = {}, .attempt = *attempt, .outcome = actors::WorkerResult::StreamDone{}};
  const Member* done = find_given(*members, "done");
  const Member* error = find_given(*members, "error");
  const bool is_whole =
      find_given(*members, "status") != nullptr || find_given(*members, "body") != nullptr;
  if ((done != nullptr) + (error != nullptr) + static_cast<int>(is_whole) != 1) {
    return invalid_request("give one of status (with body), done and error", "status");
  }
  if (is_whole) return read_whole(*members, std::move(result));
  if (error != nullptr) {
    const auto is_retryable = read_retryable(error->value);
    if (is_retryable.has_error()) return is_retryable.error();
    result.outcome = worker_failure(body, *is_retryable);
  } else if (done->value != "true") {
    return invalid_request("done must be true", "done");
  }
  return result;
}

}  // namespace signalbox::http
