#include "cli/slot/slot_client.hpp"

#include <algorithm>
#include <cmath>

#include "cli/show/fetch.hpp"
#include "core/base/read_number.hpp"
#include "http/text/json_members.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

constexpr std::chrono::seconds release_patience{10};
constexpr double span_s_max = 1e9;

std::string path_of(const HeldSlot& slot) {
  return "/api/v1/slots/" + percent_encode(slot.id);
}

std::string make_body(const SlotRequest& request) {
  http::JsonWriter json;
  json.begin_object().key("profile").string(request.profile);
  if (request.priority) json.key("priority").string(to_string(*request.priority));
  if (request.queue_wait_s) json.key("queue_wait_s").number(*request.queue_wait_s);
  if (request.inference_s) json.key("inference_s").number(*request.inference_s);
  if (request.lease_s) json.key("lease_s").number(*request.lease_s);
  if (!request.description.empty()) json.key("description").string(request.description);
  json.end_object();
  return json.take();
}

std::optional<std::chrono::milliseconds> read_span(std::string_view body, std::string_view member) {
  double seconds = 0;
  const bool is_span =
      read_number(http::value_of(body, member), seconds) && seconds > 0 && seconds < span_s_max;
  if (!is_span) return std::nullopt;
  return std::chrono::milliseconds{std::max<std::int64_t>(std::llround(seconds * 1000), 1)};
}

}  // namespace

Outcome<HeldSlot> take_slot(const ApiClient& client, const SlotRequest& request, CallStop& stop) {
  ApiCall call;
  call.method = "POST";
  call.path = "/api/v1/slots";
  call.body = make_body(request);
  call.stop = &stop;
  const auto answer = client.call(call);
  if (answer.has_error()) return answer.error();
  if (http::check_json(answer->body).has_error()) return not_understood();
  const auto id = http::unquote(http::value_of(answer->body, "id"));
  const auto lease = read_span(answer->body, "lease_s");
  if (!id || id->empty() || !lease) return not_understood();
  HeldSlot slot;
  slot.id = *id;
  slot.lease = *lease;
  slot.inference = read_span(answer->body, "inference_s").value_or(slot.inference);
  return slot;
}

std::optional<Failure> renew_slot(const ApiClient& client, const HeldSlot& slot,
                                  std::chrono::milliseconds patience) {
  ApiCall call;
  call.method = "POST";
  call.path = path_of(slot) + "/renew";
  call.body = "{}";
  call.patience = patience;
  const auto answer = client.call(call);
  if (answer.has_error()) return answer.error();
  return std::nullopt;
}

std::optional<Failure> give_back_slot(const ApiClient& client, const HeldSlot& slot,
                                      const std::string& error_kind,
                                      const std::string& error_detail) {
  http::JsonWriter json;
  json.begin_object().key("status").string(error_kind.empty() ? "ok" : "error");
  if (!error_kind.empty()) {
    json.key("error_kind").string(error_kind).key("error_detail").string(error_detail);
  }
  json.end_object();
  ApiCall call;
  call.method = "DELETE";
  call.path = path_of(slot);
  call.body = json.take();
  call.patience = release_patience;
  const auto answer = client.call(call);
  if (answer.has_error()) return answer.error();
  return std::nullopt;
}

}  // namespace signalbox::cli
