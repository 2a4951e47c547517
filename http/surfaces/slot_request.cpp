#include "http/surfaces/slot_request.hpp"

#include <vector>

#include "core/backends/llm.hpp"
#include "http/front/call_options.hpp"
#include "http/front/route_table.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

constexpr std::size_t error_kind_max = 64;
constexpr std::size_t error_detail_max = 4096;
constexpr std::size_t description_max = 200;

/// One field, wherever it stood.
struct Field {
  std::string name;
  std::string text;
  /// A JSON string; a number then is none.
  bool is_quoted = false;
};
using Fields = std::vector<Field>;

/// @returns the members that are given; strings as what they mean, all else as it stands.
Result<Fields> fields_of_body(std::string_view body) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  Fields fields;
  for (const Member& member : *members) {
    if (member.value == "null") continue;
    if (auto text = unquote(member.value)) {
      fields.push_back({member.name, std::move(*text), true});
    } else {
      fields.push_back({member.name, std::string{member.value}, false});
    }
  }
  return fields;
}

std::optional<Error> read_name(const Field& field, std::string& name) {
  if (!is_valid_name(field.text)) {
    return invalid_request(field.name + " must be 1-128 of [A-Za-z0-9._:/@+-]", field.name);
  }
  name = field.text;
  return std::nullopt;
}

template <class Target>
std::optional<Error> read_duration(const Field& field, Target& target) {
  const auto duration =
      read_seconds(field.is_quoted ? "" : std::string_view{field.text}, field.name);
  if (duration.has_error()) return duration.error();
  target = *duration;
  return std::nullopt;
}

std::optional<Error> read_text(const Field& field, std::size_t bytes_max, std::string& text) {
  if (field.text.size() > bytes_max) {
    return invalid_request(field.name + " is longer than " + std::to_string(bytes_max) + " bytes",
                           field.name);
  }
  text = field.text;
  return std::nullopt;
}

std::optional<Error> no_such_field(const Field& field, std::string_view there_are) {
  return invalid_request(
      "there is no field \"" + field.name + "\"; there are " + std::string{there_are}, field.name);
}

std::optional<Error> read_field(const Field& field, actors::AcquireSlot& acquire,
                                BodyPriority& priority) {
  SlotRequest& request = acquire.request;
  if (field.name == "profile") return read_name(field, request.profile);
  if (field.name == "queue_wait_s") return read_duration(field, acquire.queue_wait);
  if (field.name == "inference_s") return read_duration(field, acquire.inference);
  if (field.name == "lease_s") return read_duration(field, request.lease);
  if (field.name == "description") return read_text(field, description_max, request.description);
  if (field.name != "priority") {
    return no_such_field(field,
                         "profile, priority, queue_wait_s, inference_s, lease_s and description");
  }
  priority.priority = parse_priority(field.text);
  if (priority.priority) return std::nullopt;
  return make_error(ErrorCode::invalid_priority,
                    "priority must be interactive, workflow or background")
      .at_param("priority");
}

/// Fields come first, then headers (http-api, Common), then what the profile has.
Result<actors::AcquireSlot> read_slot(const Fields& fields, const Headers& headers,
                                      const Caller& caller) {
  actors::AcquireSlot acquire;
  acquire.request.lease = std::chrono::seconds{default_lease_s};
  BodyPriority priority;
  for (const Field& field : fields) {
    if (auto error = read_field(field, acquire, priority)) return *error;
  }
  const auto options = read_call_options(headers, caller, priority, Priority::workflow);
  if (options.has_error()) return options.error();
  SlotRequest& request = acquire.request;
  request.priority = options->priority;
  if (request.profile.empty()) request.profile = options->profile;
  if (request.description.empty()) request.description = options->description;
  if (!acquire.queue_wait) acquire.queue_wait = options->queue_wait;
  if (!acquire.inference) acquire.inference = options->inference;
  request.owner = caller.owner;
  if (request.profile.empty()) return invalid_request("a slot is one of a profile", "profile");
  return acquire;
}

}  // namespace

Result<actors::AcquireSlot> read_slot_body(std::string_view body, const Headers& headers,
                                           const Caller& caller) {
  const auto fields = fields_of_body(body);
  if (fields.has_error()) return fields.error();
  return read_slot(*fields, headers, caller);
}

Result<actors::AcquireSlot> read_slot_query(std::string_view query, const Headers& headers,
                                            const Caller& caller) {
  auto parameters = parse_query(query);
  if (parameters.has_error()) return parameters.error();
  Fields fields;
  for (auto& [name, value] : *parameters) fields.push_back({name, std::move(value), false});
  auto acquire = read_slot(fields, headers, caller);
  if (acquire.has_error()) return acquire.error();
  acquire->request.lease = Duration::zero();
  acquire->wants_position = true;
  return acquire;
}

Result<SlotMark> read_slot_mark(std::string_view body) {
  const auto fields = fields_of_body(body);
  if (fields.has_error()) return fields.error();
  std::optional<SlotMark> mark;
  for (const Field& field : *fields) {
    if (field.name != "event") return *no_such_field(field, "event");
    mark = parse_slot_mark(field.text);
  }
  if (!mark) return invalid_request("event must be started_http or first_token", "event");
  return *mark;
}

Result<SlotOutcome> read_slot_outcome(std::string_view body) {
  SlotOutcome outcome;
  if (body.empty()) return outcome;
  const auto fields = fields_of_body(body);
  if (fields.has_error()) return fields.error();
  for (const Field& field : *fields) {
    std::optional<Error> error;
    if (field.name == "error_kind") {
      error = read_text(field, error_kind_max, outcome.error_kind);
    } else if (field.name == "error_detail") {
      error = read_text(field, error_detail_max, outcome.error_detail);
    } else if (field.name != "status") {
      error = no_such_field(field, "status, error_kind and error_detail");
    } else if (field.text == "error") {
      outcome.status = CallStatus::error;
    } else if (field.text == "inference_timeout") {
      outcome.status = CallStatus::inference_timeout;
    } else if (field.text != "ok") {
      error = invalid_request("status must be ok, inference_timeout or error", "status");
    }
    if (error) return *error;
  }
  const bool needs_kind = outcome.status != CallStatus::ok && outcome.error_kind.empty();
  if (needs_kind) outcome.error_kind = to_string(outcome.status);
  return outcome;
}

}  // namespace signalbox::http
