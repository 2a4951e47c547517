// The way back: events out of a stored body (synthesize_events), and the words of an error body.
#include <string>

#include "http/text/json_members.hpp"
#include "http/upstream/stream_assembler.hpp"

namespace signalbox::http {

namespace {

constexpr std::size_t message_bytes_max = 1000;
constexpr std::string_view done_event = "data: [DONE]\n\n";

/// Cuts between characters.
std::string shortened(std::string text) {
  if (text.size() <= message_bytes_max) return text;
  std::size_t end = message_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

void add_event(std::string& out, std::string_view data) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = data.find_first_of("\r\n", at);
    out += "data: ";
    out += data.substr(at, end == std::string_view::npos ? end : end - at);
    out += '\n';
    if (end == std::string_view::npos) break;
    at = end + (data.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  out += '\n';
}

void add_member(std::string& out, std::string_view name, std::string_view raw) {
  if (out.back() != '{') out += ',';
  out += json_quote(name) + ':';
  out += raw;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (const std::string_view each : names)
    if (each == name) return true;
  return false;
}

/// `"role":…,"content":…` and the rest of a message, tool calls numbered as deltas need them.
std::string delta_of(std::string_view message) {
  std::string out = "{";
  for (const Member& member : members_of(message)) {
    if (member.name != "tool_calls") {
      add_member(out, member.name, member.value);
      continue;
    }
    std::string calls = "[";
    std::size_t count = 0;
    for (const std::string_view call : elements_of(member.value)) {
      const Edit edit{"index", std::to_string(count)};
      if (count++ > 0) calls += ',';
      calls += call.front() == '{' ? splice(call, std::span(&edit, 1)) : std::string(call);
    }
    add_member(out, member.name, calls + "]");
  }
  return out + "}";
}

/// One chunk's JSON. @param tail further top-level members, each with its leading comma.
std::string chunk(std::string_view base, std::string_view choices, std::string_view tail) {
  std::string out = "{";
  out += base;
  out += ",\"choices\":[";
  out += choices;
  out += ']';
  out += tail;
  out += '}';
  return out;
}

/// The members of a choice that go with its last chunk.
std::string finish_of(std::string_view choice, std::string_view index, bool chat) {
  std::string out = "{\"index\":" + std::string(index);
  out += chat ? ",\"delta\":{}" : ",\"text\":\"\"";
  bool reason = false;
  for (const Member& member : members_of(choice)) {
    if (is_one_of(member.name, {"index", "message", "text", "logprobs"})) continue;
    reason = reason || member.name == "finish_reason";
    add_member(out, member.name, member.value);
  }
  if (!reason) out += ",\"finish_reason\":null";
  return out + "}";
}

std::string first_of(std::string_view choice, std::string_view index, bool chat) {
  std::string_view message = value_of(choice, chat ? "message" : "text");
  if (message.empty()) message = chat ? "{}" : "\"\"";
  std::string out = "{\"index\":" + std::string(index);
  add_member(out, chat ? "delta" : "text", chat ? delta_of(message) : std::string(message));
  const std::string_view logprobs = value_of(choice, "logprobs");
  if (!logprobs.empty() && logprobs != "null") add_member(out, "logprobs", logprobs);
  return out + ",\"finish_reason\":null}";
}

}  // namespace

std::string error_message_of(std::string_view body) {
  if (!check_json(body)) return {};
  const auto members = members_of(body);
  if (const Member* error = find_member(members, "error")) {
    if (auto text = unquote(error->value)) return shortened(*text);
    if (auto text = unquote(value_of(error->value, "message"))) return shortened(*text);
  }
  for (const std::string_view name : {"message", "detail"}) {
    const Member* member = find_member(members, name);
    if (member == nullptr) continue;
    if (auto text = unquote(member->value)) return shortened(*text);
  }
  return {};
}

std::string synthesize_events(std::string_view body, TaskKind kind) {
  std::string out;
  if (kind == TaskKind::native_chat) {
    out = "event: chat.end\n";
    add_event(out, "{\"type\":\"chat.end\",\"result\":" + std::string(body) + "}");
    return out;
  }
  const bool chat = kind == TaskKind::chat;
  const bool object = kind != TaskKind::embedding && check_json(body).has_value();
  const auto members = object ? members_of(body) : std::vector<Member>();
  const Member* choices = find_member(members, "choices");
  if (choices == nullptr) {
    add_event(out, body);
    return out + std::string(done_event);
  }
  std::string base =
      chat ? "\"object\":\"chat.completion.chunk\"" : "\"object\":\"text_completion\"";
  std::string extras;
  for (const Member& member : members) {
    if (is_one_of(member.name, {"object", "choices", "usage"})) continue;
    const bool everywhere =
        is_one_of(member.name, {"id", "created", "model", "system_fingerprint", "service_tier"});
    (everywhere ? base : extras) += ',' + json_quote(member.name) + ':' + std::string(member.value);
  }
  const auto all = elements_of(choices->value);
  std::vector<std::string> indexes;
  for (const std::string_view choice : all) {
    const std::string_view index = value_of(choice, "index");
    indexes.push_back(index.empty() ? std::to_string(indexes.size()) : std::string(index));
    add_event(out, chunk(base, first_of(choice, indexes.back(), chat), {}));
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    add_event(out, chunk(base, finish_of(all[i], indexes[i], chat),
                         i + 1 == all.size() ? std::string_view(extras) : std::string_view()));
  if (const Member* usage = find_member(members, "usage"); usage && usage->value != "null")
    add_event(out, chunk(base, {}, ",\"usage\":" + std::string(usage->value)));
  return out + std::string(done_event);
}

}  // namespace signalbox::http
