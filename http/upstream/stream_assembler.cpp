#include "http/upstream/stream_assembler.hpp"

#include <algorithm>
#include <charconv>

#include "http/text/json_members.hpp"

namespace signalbox::http {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_null(std::string_view raw) {
  return raw.empty() || raw == "null";
}

void comma(std::string& out) {
  if (!out.empty() && out.back() != '{' && out.back() != '[') out += ',';
}

/// Indexes sort as numbers when they are; those that are not come last.
std::int64_t as_number(std::string_view raw) {
  std::int64_t number = INT64_MAX;
  std::from_chars(raw.data(), raw.data() + raw.size(), number);
  return number;
}

/// @returns the element with that index, made when there is none.
template <class T>
T& by_index(std::vector<T>& items, std::string_view index) {
  for (T& item : items)
    if (item.index == index) return item;
  items.emplace_back().index = index;
  return items.back();
}

template <class T>
std::vector<const T*> sorted_by_index(const std::vector<T>& items) {
  std::vector<const T*> sorted;
  for (const T& item : items) sorted.push_back(&item);
  std::stable_sort(sorted.begin(), sorted.end(), [](const T* a, const T* b) {
    return as_number(a->index) < as_number(b->index);
  });
  return sorted;
}

}  // namespace

// -- MergedMembers --------------------------------------------------------------------------------

void MergedMembers::append(std::string_view name, std::string_view raw) {
  if (is_null(raw)) {
    replace(name, "null");
    return;
  }
  const Form form = raw.front() == '"' ? Form::text : raw.front() == '[' ? Form::list : Form::raw;
  Slot& target = slot(name);
  if (form == Form::raw || target.form != form) target.value.clear();
  target.form = form;
  if (form == Form::raw) {
    target.value = raw;
  } else if (form == Form::text) {
    target.value += unquote(raw).value_or(std::string());
  } else {
    const std::string_view inner = trimmed(raw.substr(1, raw.size() - 2));
    if (!inner.empty() && !target.value.empty()) target.value += ',';
    target.value += inner;
  }
}

void MergedMembers::replace(std::string_view name, std::string_view raw) {
  if (is_null(raw) && find(name) != nullptr) return;
  Slot& target = slot(name);
  target.form = Form::raw;
  target.value = is_null(raw) ? "null" : raw;
}

void MergedMembers::keep(std::string_view name, std::string_view raw) {
  const Slot* present = find(name);
  if (present == nullptr || is_null(present->value) || present->value == "\"\"") replace(name, raw);
}

bool MergedMembers::has(std::string_view name) const {
  const Slot* present = find(name);
  return present != nullptr && !(present->form == Form::raw && is_null(present->value));
}

std::string MergedMembers::value(std::string_view name) const {
  const Slot* present = find(name);
  return present == nullptr ? "null" : print_slot(*present);
}

void MergedMembers::print(std::string& out, std::initializer_list<std::string_view> skipped) const {
  for (const Slot& each : x_slots) {
    if (std::find(skipped.begin(), skipped.end(), each.name) != skipped.end()) continue;
    comma(out);
    out += json_quote(each.name) + ':' + print_slot(each);
  }
}

std::string MergedMembers::print_slot(const Slot& slot) {
  switch (slot.form) {
    case Form::text:
      return json_quote(slot.value);
    case Form::list:
      return '[' + slot.value + ']';
    case Form::raw:
      break;
  }
  return slot.value;
}

const MergedMembers::Slot* MergedMembers::find(std::string_view name) const {
  for (const Slot& each : x_slots)
    if (each.name == name) return &each;
  return nullptr;
}

MergedMembers::Slot& MergedMembers::slot(std::string_view name) {
  for (Slot& each : x_slots)
    if (each.name == name) return each;
  x_slots.push_back(Slot{.name = std::string(name), .form = Form::raw, .value = "null"});
  return x_slots.back();
}

// -- StreamAssembler: in --------------------------------------------------------------------------

StreamAssembler::Seen StreamAssembler::add(std::string_view data) {
  data = trimmed(data);
  if (data == "[DONE]") {
    x_done = true;
    return Seen::done;
  }
  if (!check_json(data) || data.front() != '{') {
    x_garbled = true;
    return Seen::garbage;
  }
  if (x_kind == TaskKind::native_chat) return add_native(data);
  const auto members = members_of(data);
  const Member* error = find_member(members, "error");
  const Member* object = find_member(members, "object");
  if ((error != nullptr && !is_null(error->value)) ||
      (object != nullptr && object->value == "\"error\"")) {
    x_error_message = error_message_of(data);
    return Seen::error;
  }
  for (const Member& member : members) {
    if (member.name == "choices") {
      for (const std::string_view choice : elements_of(member.value)) add_choice(choice);
    } else if (member.name != "object") {
      x_members.replace(member.name, member.value);
    }
  }
  return Seen::chunk;
}

StreamAssembler::Seen StreamAssembler::add_native(std::string_view data) {
  const auto members = members_of(data);
  const Member* type = find_member(members, "type");
  const std::string_view word = type == nullptr ? std::string_view() : type->value;
  if (word == "\"error\"") {
    x_error_message = error_message_of(data);
    return Seen::error;
  }
  if (word != "\"chat.end\"") return Seen::chunk;
  const Member* result = find_member(members, "result");
  x_native_result = result == nullptr ? data : result->value;
  x_done = true;
  return Seen::done;
}

void StreamAssembler::add_choice(std::string_view raw) {
  const auto members = members_of(raw);
  const Member* index = find_member(members, "index");
  Choice& choice = by_index(x_choices, index == nullptr ? "0" : index->value);
  for (const Member& member : members) {
    if (member.name == "index") continue;
    if (member.name == "delta") {
      add_delta(choice, member.value);
    } else if (member.name == "logprobs" && !is_null(member.value)) {
      for (const Member& part : members_of(member.value))
        choice.logprobs.append(part.name, part.value);
    } else if (member.name == "text") {
      choice.members.append(member.name, member.value);
    } else {
      choice.members.replace(member.name, member.value);
    }
  }
}

void StreamAssembler::add_delta(Choice& choice, std::string_view raw) {
  for (const Member& member : members_of(raw)) {
    if (member.name == "tool_calls") {
      for (const std::string_view call : elements_of(member.value)) add_tool_call(choice, call);
    } else if (member.name == "function_call") {
      for (const Member& part : members_of(member.value)) {
        if (part.name == "name") {
          choice.function_call.keep(part.name, part.value);
        } else {
          choice.function_call.append(part.name, part.value);
        }
      }
    } else if (member.name == "role") {
      // Some servers repeat it in every chunk.
      choice.message.keep(member.name, member.value);
    } else {
      choice.message.append(member.name, member.value);
    }
  }
}

void StreamAssembler::add_tool_call(Choice& choice, std::string_view raw) {
  const auto members = members_of(raw);
  const Member* index = find_member(members, "index");
  const Member* id = find_member(members, "id");
  std::string place;
  if (index != nullptr) {
    place = index->value;
  } else {
    // Without an index a new id starts a new call, and anything else belongs to the latest one.
    const bool same =
        !choice.tool_calls.empty() && (id == nullptr || is_null(id->value) ||
                                       choice.tool_calls.back().members.value("id") == id->value);
    place = same ? choice.tool_calls.back().index : std::to_string(choice.tool_calls.size());
  }
  ToolCall& call = by_index(choice.tool_calls, place);
  for (const Member& member : members) {
    if (member.name == "function") {
      for (const Member& part : members_of(member.value)) {
        if (part.name == "arguments") {
          call.function.append(part.name, part.value);
        } else {
          call.function.keep(part.name, part.value);
        }
      }
    } else if (member.name != "index") {
      call.members.keep(member.name, member.value);
    }
  }
}

// -- StreamAssembler: out -------------------------------------------------------------------------

std::string StreamAssembler::assemble() const {
  if (x_kind == TaskKind::native_chat) return x_native_result.empty() ? "{}" : x_native_result;
  std::string out = "{";
  if (x_members.has("id")) out += "\"id\":" + x_members.value("id");
  comma(out);
  out += x_kind == TaskKind::chat ? "\"object\":\"chat.completion\""
                                  : "\"object\":\"text_completion\"";
  for (const std::string_view name : {"created", "model"})
    if (x_members.has(name)) out += ',' + json_quote(name) + ':' + x_members.value(name);
  out += ",\"choices\":[";
  for (const Choice* choice : sorted_by_index(x_choices)) print_choice(out, *choice);
  out += ']';
  // A usage of null only says that it comes in a later chunk.
  if (x_members.has("usage")) out += ",\"usage\":" + x_members.value("usage");
  x_members.print(out, {"id", "created", "model", "usage"});
  out += '}';
  return out;
}

void StreamAssembler::print_choice(std::string& out, const Choice& choice) const {
  comma(out);
  out += "{\"index\":" + choice.index;
  if (x_kind == TaskKind::chat) {
    out += ",\"message\":";
    print_message(out, choice);
  } else {
    out += ",\"text\":" + (choice.members.has("text") ? choice.members.value("text") : "\"\"");
  }
  if (!choice.logprobs.empty()) {
    out += ",\"logprobs\":{";
    choice.logprobs.print(out);
    out += '}';
  } else {
    out += ",\"logprobs\":null";
  }
  out += ",\"finish_reason\":" + choice.members.value("finish_reason");
  choice.members.print(out, {"text", "logprobs", "finish_reason"});
  out += '}';
}

void StreamAssembler::print_message(std::string& out, const Choice& choice) {
  const bool calls = !choice.tool_calls.empty() || !choice.function_call.empty();
  const MergedMembers& message = choice.message;
  out += "{\"role\":" + (message.has("role") ? message.value("role") : "\"assistant\"");
  out += ",\"content\":" + (message.has("content") ? message.value("content")
                            : calls                ? "null"
                                                   : "\"\"");
  message.print(out, {"role", "content"});
  if (!choice.tool_calls.empty()) {
    out += ",\"tool_calls\":[";
    for (const ToolCall* call : sorted_by_index(choice.tool_calls)) {
      comma(out);
      out += '{';
      call->members.print(out);
      comma(out);
      out += "\"function\":{";
      call->function.print(out);
      out += "}}";
    }
    out += ']';
  }
  if (!choice.function_call.empty()) {
    out += ",\"function_call\":{";
    choice.function_call.print(out);
    out += '}';
  }
  out += '}';
}

}  // namespace signalbox::http
