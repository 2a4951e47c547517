#include "http/upstream/upstream_errors.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <unordered_set>

#include "http/text/json_members.hpp"
#include "http/upstream/stream_assembler.hpp"

namespace signalbox::http {

namespace {

using End = ExchangeResult::End;

constexpr std::size_t passed_body_bytes_max = 16 * 1024;
constexpr std::size_t models_max = 1000;
constexpr std::size_t model_name_bytes_max = 256;

BackendFailed failed(ErrorCode code, std::string message, bool retryable) {
  return {.error = make_error(code, std::move(message)), .retryable = retryable};
}

bool is_model_name(std::string_view name) {
  return !name.empty() && name.size() <= model_name_bytes_max &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// @returns the name of one entry of a model list, or nothing.
std::optional<std::string> model_name(std::string_view entry) {
  if (auto plain = unquote(entry)) return plain;
  for (const std::string_view member : {"id", "name", "model"})
    if (auto name = unquote(value_of(entry, member))) return name;
  return std::nullopt;
}

}  // namespace

BackendFailed status_failure(int status, std::string_view body, std::string_view retry_after) {
  const bool client_side = status >= 400 && status < 500;
  const bool retryable = status == 408 || status == 429 || status >= 500;
  std::string words = error_message_of(body);
  if (words.empty()) {
    words = status >= 300 && status < 400
                ? "the backend answered with a redirect (" + std::to_string(status) +
                      "), which is not followed"
                : "the backend answered with status " + std::to_string(status);
  }
  BackendFailed failure = failed(ErrorCode::backend_error, std::move(words), retryable);
  Error& error = failure.error;
  error.from_backend = true;
  error.details.emplace_back("backend_status", std::int64_t{status});
  if (client_side) {
    error.backend_status = status;
    if (body.size() <= passed_body_bytes_max && check_json(body)) error.backend_body = body;
  }
  int seconds = 0;
  const auto parsed =
      std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), seconds);
  if (retryable && parsed.ec == std::errc() && seconds > 0)
    error.retry_after_s = std::min(seconds, 60);
  return failure;
}

BackendFailed exchange_failure(const ExchangeResult& result, bool head_seen, bool streaming) {
  const ErrorCode cut = ErrorCode::backend_stream_failed;
  switch (result.end) {
    case End::unreachable:
      return {.error = result.error, .retryable = true};
    case End::cancelled:
      return failed(cut, "the call was cancelled", false);
    case End::closed:
      return failed(cut,
                    head_seen ? "the backend closed the connection in the middle of its answer"
                              : "the backend closed the connection before answering",
                    true);
    case End::timed_out:
      return failed(cut, "the backend fell silent for too long", true);
    case End::malformed:
      return failed(streaming ? cut : ErrorCode::backend_error,
                    "the backend's answer is malformed HTTP", true);
    case End::complete:
    case End::stopped:
      break;
  }
  return failed(ErrorCode::backend_error, "the backend's answer was not taken", false);
}

BackendFailed answer_failure(std::string message, int status, bool retryable) {
  BackendFailed failure = failed(ErrorCode::backend_error, std::move(message), retryable);
  failure.error.details.emplace_back("backend_status", std::int64_t{status});
  return failure;
}

BackendFailed event_failure(std::string_view data, int status) {
  std::string words = error_message_of(data);
  if (words.empty()) words = "the backend reported an error in its stream";
  // llama-server puts the status it would have answered with into the event.
  const std::string_view code =
      check_json(data).has_value() ? value_of(value_of(data, "error"), "code") : std::string_view();
  int code_status = 0;
  std::from_chars(code.data(), code.data() + code.size(), code_status);
  if (code_status >= 400 && code_status <= 599) status = code_status;
  BackendFailed failure = answer_failure(std::move(words), status, true);
  failure.error.from_backend = true;
  return failure;
}

Result<std::vector<BackendModel>> parse_model_list(std::string_view body) {
  const Error error =
      make_error(ErrorCode::backend_error, "the backend's answer is no list of models");
  if (!check_json(body)) return error;
  std::string_view list = body.substr(body.find_first_not_of(" \t\r\n"));
  if (list.front() == '{') {
    const auto members = members_of(list);
    const Member* data = find_member(members, "data");
    if (data == nullptr) data = find_member(members, "models");
    if (data == nullptr) return error;
    list = data->value;
  }
  // Ollama says null when it has none.
  if (list != "null" && list.front() != '[') return error;
  std::vector<BackendModel> models;
  std::unordered_set<std::string> seen;
  for (const std::string_view entry : elements_of(list)) {
    if (models.size() == models_max) break;
    auto name = model_name(entry);
    if (name && is_model_name(*name) && seen.insert(*name).second)
      models.push_back(BackendModel{.id = std::move(*name)});
  }
  return models;
}

}  // namespace signalbox::http
