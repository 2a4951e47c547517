#include "http/front/error_response.hpp"

#include <algorithm>
#include <cmath>

#include "http/front/status_mapping.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::http {
namespace {

// The official SDK ignores more than a minute.
constexpr double retry_after_s_max = 60;

void write_details(JsonWriter& json, const Error& error) {
  bool has_status = false;
  for (const auto& [name, value] : error.details) {
    has_status = has_status || name == "backend_status";
    json.key(name);
    if (const auto* number = std::get_if<std::int64_t>(&value))
      json.number(*number);
    else if (const auto* fraction = std::get_if<double>(&value))
      json.number(*fraction);
    else
      json.string(std::get<std::string>(value));
  }
  if (!has_status && error.backend_status != 0) {
    json.key("backend_status").number(std::int64_t{error.backend_status});
  }
  if (!error.backend_body.empty()) json.key("backend_body").raw(error.backend_body);
}

}  // namespace

std::string error_body(const Error& error, std::string_view request_id) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.key("message").string(error.message);
  json.key("type").string(type_of(error.code));
  json.key("code").string(to_string(error.code));
  json.key("param").string_or_null(error.param);
  json.key("request_id").string_or_null(request_id);
  json.key("source").string(error.from_backend ? "backend" : "broker");
  write_details(json, error);
  json.end_object().end_object();
  return json.take();
}

Response error_response(const Error& error, std::string_view request_id) {
  Response response;
  response.status = status_of(error);
  response.body = error_body(error, request_id);
  const bool has_hint = error.retry_after_s > 0 || error.code == ErrorCode::queue_full ||
                        error.code == ErrorCode::queue_wait_timeout;
  if (has_hint) {
    const double seconds = std::clamp(std::ceil(error.retry_after_s), 1.0, retry_after_s_max);
    response.headers.emplace_back("Retry-After", std::to_string(static_cast<int>(seconds)));
  }
  if (error.code == ErrorCode::task_cancelled) {
    response.headers.emplace_back("x-should-retry", "false");
  }
  if (error.code == ErrorCode::unauthorized) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
  }
  return response;
}

}  // namespace signalbox::http
