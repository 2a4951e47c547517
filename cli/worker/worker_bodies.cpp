#include "cli/worker/worker_bodies.hpp"

#include <algorithm>
#include <charconv>

#include "cli/worker/worker_frames.hpp"
#include "config/words.hpp"
#include "http/text/json_members.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

constexpr double heartbeat_interval_s_default = 30;

std::string_view to_word(LlmState state) {
  return state == LlmState::active ? "active" : "hibernating";
}

std::string finish(http::JsonWriter& json, std::uint64_t attempt) {
  if (attempt != 0) json.key("attempt").number(static_cast<std::int64_t>(attempt));
  json.end_object();
  return json.take();
}

}  // namespace

std::string registration_body(const WorkerOptions& options, std::string_view session,
                              LlmState state) {
  http::JsonWriter json;
  json.begin_object().key("session").string_or_null(session).key("llms").begin_array();
  json.begin_object().key("name").string(options.llm);
  json.key("type").string(config::to_string(options.type)).key("model").string(options.model);
  if (!options.tier.empty()) json.key("tier").string(options.tier);
  if (!options.pool.empty()) json.key("pool").string(options.pool);
  json.key("capacity").number(std::int64_t{options.capacity});
  json.key("status").string(to_word(state)).end_object();
  json.end_array().end_object();
  return json.take();
}

std::string heartbeat_body(std::string_view llm, std::optional<LlmState> state) {
  http::JsonWriter json;
  json.begin_object();
  if (state) {
    json.key("llms").begin_array().begin_object().key("name").string(llm);
    json.key("status").string(to_word(*state)).end_object().end_array();
  }
  json.end_object();
  return json.take();
}

std::string chunk_body(std::span<const std::string> chunks, std::uint64_t attempt) {
  http::JsonWriter json;
  json.begin_object().key("chunks").begin_array();
  for (const std::string& chunk : chunks) json.string(chunk);
  json.end_array();
  return finish(json, attempt);
}

std::string done_body(std::uint64_t attempt) {
  http::JsonWriter json;
  json.begin_object().key("done").boolean(true);
  return finish(json, attempt);
}

std::string result_body(int status, std::string_view body, std::uint64_t attempt) {
  http::JsonWriter json;
  json.begin_object().key("status").number(std::int64_t{status}).key("body").raw(body);
  return finish(json, attempt);
}

std::string woken_body() {
  return R"({"status":200})";
}

std::string error_body(std::string_view message, bool is_retryable, std::uint64_t attempt) {
  http::JsonWriter json;
  json.begin_object().key("error").begin_object().key("message").string(message);
  json.key("retryable").boolean(is_retryable).end_object();
  return finish(json, attempt);
}

std::string failure_body(const BackendFailed& failure, bool has_chunks, std::uint64_t attempt) {
  const Error& error = failure.error;
  if (has_chunks) return error_body(error.message, failure.retryable, attempt);
  if (error.backend_status != 0 && !error.backend_body.empty()) {
    return result_body(error.backend_status, error.backend_body, attempt);
  }
  const int status = backend_status_of(error);
  if (status < 500) return error_body(error.message, failure.retryable, attempt);
  http::JsonWriter json;
  json.begin_object().key("error").begin_object().key("message").string(error.message);
  json.key("type").string("server_error").end_object().end_object();
  return result_body(status, json.take(), attempt);
}

std::optional<std::string> read_session(std::string_view body) {
  if (http::check_json(body).has_error()) return std::nullopt;
  auto session = http::unquote(http::value_of(body, "session"));
  if (!session || !is_wire_id(*session)) return std::nullopt;
  return session;
}

std::chrono::milliseconds read_heartbeat_interval(std::string_view body) {
  double seconds = heartbeat_interval_s_default;
  if (!http::check_json(body).has_error()) {
    const std::string_view text = http::value_of(body, "heartbeat_interval_s");
    double said = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), said);
    if (parsed.ec == std::errc{} && said > 0) seconds = said;
  }
  const auto ms = static_cast<std::int64_t>(std::clamp(seconds, 1.0, 300.0) * 1000);
  return std::chrono::milliseconds{ms};
}

std::string read_error_code(std::string_view body) {
  if (http::check_json(body).has_error()) return "";
  return http::unquote(http::value_of(http::value_of(body, "error"), "code")).value_or("");
}

}  // namespace signalbox::cli
