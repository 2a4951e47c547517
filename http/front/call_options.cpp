#include "http/front/call_options.hpp"

#include <algorithm>
#include <charconv>

#include "core/admission/profile_settings.hpp"
#include "core/backends/llm.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

constexpr std::size_t description_bytes_max = 200;
constexpr std::size_t key_bytes_max = 255;
constexpr std::size_t session_bytes_max = 255;

Result<std::optional<Duration>> read_budget(const Headers& headers, const std::string& name) {
  const std::string* field = find_header(headers, name);
  if (field == nullptr) return std::optional<Duration>{};
  auto duration = read_seconds(*field, name);
  if (duration.has_error()) return duration.error();
  return std::optional<Duration>{*duration};
}

// The first of: own header, RFC 9218, body, key, route (http-api, Common).
Result<Priority> read_priority(const Headers& headers, const Caller& caller,
                               const BodyPriority& body, Priority route_default) {
  if (const std::string* own = find_header(headers, "X-Signalbox-Priority")) {
    const auto priority = parse_priority(*own);
    if (priority) return *priority;
    return make_error(ErrorCode::invalid_priority,
                      "X-Signalbox-Priority must be interactive, workflow or background")
        .at_param("X-Signalbox-Priority");
  }
  if (const std::string* urgency = find_header(headers, "Priority")) {
    if (const auto priority = parse_urgency(*urgency)) return *priority;
  }
  if (body.priority) return *body.priority;
  return caller.default_priority.value_or(route_default);
}

// Cut at a whole UTF-8 character.
std::string shorten(std::string text) {
  if (text.size() <= description_bytes_max) return text;
  std::size_t size = description_bytes_max;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  text.resize(size);
  return text;
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char letter) { return letter >= 0x20 && letter < 0x7F; });
}

bool is_id_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '.' || letter == '_' || letter == '-';
}

bool is_traceparent(std::string_view text) {
  return text.size() >= 55 && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), is_id_letter);
}

}  // namespace

BodyPriority body_priority(std::string service_tier) {
  BodyPriority body;
  if (service_tier == "priority") body.priority = Priority::interactive;
  if (service_tier == "flex") body.priority = Priority::background;
  body.service_tier = std::move(service_tier);
  return body;
}

Result<Duration> read_seconds(std::string_view text, const std::string& field) {
  double seconds = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  const bool is_number = read.ec == std::errc{} && read.ptr == text.data() + text.size();
  if (!is_number || !(seconds > 0) || seconds > budget_s_max) {
    return invalid_request(field + " must be a number of seconds above 0, at most 86400", field);
  }
  return std::max<Duration>(from_seconds(seconds), std::chrono::milliseconds{1});
}

Result<CallOptions> read_call_options(const Headers& headers, const Caller& caller,
                                      const BodyPriority& body, Priority route_default) {
  CallOptions options;
  const auto priority = read_priority(headers, caller, body, route_default);
  if (priority.has_error()) return priority.error();
  options.priority = cap_priority(*priority, caller.max_priority);
  const auto queue_wait = read_budget(headers, "X-Signalbox-Queue-Wait-S");
  if (queue_wait.has_error()) return queue_wait.error();
  options.queue_wait = *queue_wait;
  const auto inference = read_budget(headers, "X-Signalbox-Inference-S");
  if (inference.has_error()) return inference.error();
  options.inference = *inference;
  if (const std::string* profile = find_header(headers, "X-Signalbox-Profile")) {
    if (!is_valid_name(*profile)) {
      return invalid_request("X-Signalbox-Profile must be 1-128 of [A-Za-z0-9._:/@+-]",
                             "X-Signalbox-Profile");
    }
    options.profile = *profile;
  }
  if (const std::string* text = find_header(headers, "X-Signalbox-Description")) {
    options.description = shorten(*text);
  }
  if (const std::string* key = find_header(headers, "Idempotency-Key")) {
    if (key->empty() || key->size() > key_bytes_max || !is_printable_ascii(*key)) {
      return invalid_request("Idempotency-Key must be 1-255 printable characters",
                             "Idempotency-Key");
    }
    options.idempotency_key = *key;
  }
  if (const std::string* session = find_header(headers, "X-Signalbox-Session")) {
    if (!is_session_key(*session)) {
      return invalid_request("X-Signalbox-Session must be 1-255 printable characters",
                             "X-Signalbox-Session");
    }
    options.session = *session;
  }
  if (const std::string* trace = find_header(headers, "traceparent")) {
    if (is_traceparent(*trace)) options.traceparent = *trace;
  }
  return options;
}

bool is_session_key(std::string_view text) {
  return !text.empty() && text.size() <= session_bytes_max && is_printable_ascii(text);
}

std::optional<std::string> read_request_id(const Headers& headers) {
  const std::string* given = find_header(headers, "X-Request-Id");
  if (given == nullptr || given->empty() || given->size() > 128) return std::nullopt;
  if (!std::all_of(given->begin(), given->end(), is_id_letter)) return std::nullopt;
  return *given;
}

}  // namespace signalbox::http
