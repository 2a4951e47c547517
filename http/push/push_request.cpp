#include "http/push/push_request.hpp"

#include <optional>
#include <span>
#include <utility>

#include "http/push/push_prompt.hpp"
#include "http/text/json_writer.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {

namespace {

using Members = std::vector<Member>;

/// Each is compared with every piece of text that comes.
constexpr std::size_t stops_max = 16;
constexpr std::size_t stop_bytes_max = 1024;

bool is_number(std::string_view raw) {
  return !raw.empty() && (raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9'));
}

std::string_view given(const Members& members, std::string_view name) {
  const Member* member = find_given(members, name);
  return member == nullptr ? std::string_view() : member->value;
}

/// Members that ask for an answer other than one plain text.
std::optional<Error> check_wishes(const Members& members) {
  for (const char* name : {"tools", "functions"})
    if (!elements_of(given(members, name)).empty())
      return cannot_carry("a push worker cannot call tools", name);
  for (const char* name : {"n", "best_of"}) {
    const std::string_view count = given(members, name);
    if (!count.empty() && count != "1") return cannot_carry("a push worker gives one answer", name);
  }
  const std::string_view format = given(members, "response_format");
  if (!format.empty() && value_of(format, "type") != "\"text\"")
    return cannot_carry("a push worker cannot keep to a form of the answer", "response_format");
  for (const char* name : {"logprobs", "echo", "suffix", "audio"}) {
    const std::string_view wish = given(members, name);
    if (!wish.empty() && wish != "false" && wish != "\"\"")
      return cannot_carry("a push worker gives the text of the answer only", name);
  }
  return std::nullopt;
}

Result<std::int64_t> read_max_tokens(const Members& members) {
  for (const char* name : {"max_completion_tokens", "max_tokens"}) {
    const std::string_view raw = given(members, name);
    if (raw.empty()) continue;
    std::int64_t number = 0;
    if (!read_number(raw, number) || number < 1)
      return cannot_carry(std::string(name) + " must be a whole number above 0", name);
    return number;
  }
  return default_max_tokens;
}

std::optional<Error> read_raw_number(const Members& members, const char* name, std::string& into) {
  const std::string_view raw = given(members, name);
  if (raw.empty()) return std::nullopt;
  if (!is_number(raw)) return cannot_carry(std::string(name) + " must be a number", name);
  into = raw;
  return std::nullopt;
}

Result<std::vector<std::string>> read_stops(const Members& members) {
  const Error error = cannot_carry(
      "stop must be a text or a list of up to " + std::to_string(stops_max) + " texts", "stop");
  std::vector<std::string> stops;
  const std::string_view raw = given(members, "stop");
  auto all = elements_of(raw);
  if (!raw.empty() && raw.front() != '[') all = {raw};
  if (all.size() > stops_max) return error;
  for (const std::string_view each : all) {
    auto text = unquote(each);
    if (!text || text->size() > stop_bytes_max) return error;
    if (!text->empty()) stops.push_back(std::move(*text));
  }
  return stops;
}

Result<std::string> read_prompt(const Members& members, TaskKind kind) {
  switch (kind) {
    case TaskKind::chat:
      return chat_prompt(given(members, "messages"));
    case TaskKind::completion:
      return completion_prompt(given(members, "prompt"));
    case TaskKind::embedding:
      return cannot_carry("a push worker makes text and no embeddings", "input");
    case TaskKind::native_chat:
      break;
  }
  return cannot_carry("a push worker does not speak LM Studio's native chat", "");
}

}  // namespace

Result<PushRequest> read_push_request(const BackendCall& call) {
  const std::string_view body = call.request ? *call.request : std::string_view();
  const auto scanned = scan_object(body);
  if (!scanned) return cannot_carry(scanned.error().message, scanned.error().param);
  const Members& members = *scanned;
  PushRequest request;
  auto prompt = read_prompt(members, call.kind);
  if (!prompt) return prompt.error();
  request.prompt = std::move(*prompt);
  if (auto error = check_wishes(members)) return *error;
  const auto max_tokens = read_max_tokens(members);
  if (!max_tokens) return max_tokens.error();
  request.max_tokens = *max_tokens;
  for (const auto& [name, into] :
       {std::pair{"temperature", &request.temperature}, std::pair{"top_p", &request.top_p},
        std::pair{"top_k", &request.top_k}})
    if (auto error = read_raw_number(members, name, *into)) return *error;
  auto stops = read_stops(members);
  if (!stops) return stops.error();
  request.stop = std::move(*stops);
  request.model = unquote(given(members, "model")).value_or(call.model);
  const std::string_view options = given(members, "stream_options");
  request.include_usage = call.streaming && value_of(options, "include_usage") == "true";
  return request;
}

std::string inference_body(const PushRequest& request, std::string_view model) {
  JsonWriter json;
  json.begin_object();
  if (!model.empty()) json.key("model").string(model);
  json.key("prompt").string(request.prompt);
  json.key("max_tokens").number(request.max_tokens);
  json.key("temperature").raw(request.temperature);
  if (!request.top_p.empty()) json.key("top_p").raw(request.top_p);
  if (!request.top_k.empty()) json.key("top_k").raw(request.top_k);
  json.end_object();
  return json.take();
}

}  // namespace signalbox::http
