#include "cli/show/resources.hpp"

#include <algorithm>
#include <cmath>

#include "cli/client/failure.hpp"
#include "cli/client/table.hpp"
#include "cli/show/time_line.hpp"
#include "core/base/read_number.hpp"
#include "core/calls/call_row.hpp"
#include "core/tasks/task.hpp"
#include "http/text/json_members.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

std::vector<std::string> task_statuses() {
  std::vector<std::string> words;
  for (std::size_t state = 0; state < task_state_count; ++state) {
    words.emplace_back(to_string(static_cast<TaskState>(state)));
  }
  return words;
}

std::vector<std::string> call_statuses() {
  std::vector<std::string> words;
  for (auto status = CallStatus::queued; status <= CallStatus::cancelled;
       status = static_cast<CallStatus>(static_cast<int>(status) + 1)) {
    words.emplace_back(to_string(status));
  }
  return words;
}

Resource make_tasks() {
  return {{"tasks", "task", "inference-tasks", "inference-task"},
          "/api/v1/inference-tasks",
          "tasks",
          "id",
          {{"ID", "id"},
           {"STATUS", "status"},
           {"POOL", "pool"},
           {"LLM", "llm"},
           {"MODEL", "model"},
           {"STREAM", "streaming", CellKind::flag},
           {"AGE", "created_at", CellKind::age},
           {"WORKER", "claimed_by"},
           {"PRIORITY", "priority", CellKind::text, true},
           {"PROFILE", "profile", CellKind::text, true},
           {"OWNER", "owner", CellKind::text, true},
           {"AGENT", "agent", CellKind::text, true},
           {"ATTEMPTS", "attempts", CellKind::text, true}},
          500,
          {"status", "pool", "llm", "agent", "priority", "owner"},
          task_statuses()};
}

Resource make_calls() {
  return {{"calls", "call"},
          "/api/v1/calls",
          "calls",
          "id",
          {{"ID", "id"},
           {"PROFILE", "profile"},
           {"PRIORITY", "priority"},
           {"STATUS", "status"},
           {"WAIT", "queue_wait_ms|queued_at..", CellKind::span},
           {"RUN", "service_time_ms|admitted_at..", CellKind::span},
           {"TTFT", "admitted_at..first_token_at", CellKind::span},
           {"MODEL", "model"},
           {"BACKEND", "backend"},
           {"OWNER", "owner"},
           {"DESCRIPTION", "description"},
           {"AGE", "queued_at", CellKind::age},
           {"KIND", "kind", CellKind::text, true},
           {"POOL", "pool", CellKind::text, true},
           {"STREAM", "streaming", CellKind::flag, true},
           {"ATTEMPTS", "attempts", CellKind::text, true},
           {"TOKENS-IN", "tokens_in", CellKind::text, true},
           {"TOKENS-OUT", "tokens_out", CellKind::text, true},
           {"TOTAL", "total_latency_ms|queued_at..", CellKind::span, true},
           {"ERROR", "error_kind", CellKind::text, true},
           {"REQUEST-ID", "request_id", CellKind::text, true}},
          1000,
          {"profile", "status", "since"},
          call_statuses(),
          true};
}

Resource make_workers() {
  return {{"workers", "worker"},
          "/api/v1/workers",
          "workers",
          "session",
          {{"SESSION", "session"},
           {"STATE", "state"},
           {"LLMS", "llms", CellKind::names},
           {"BOUND", "bound", CellKind::flag},
           {"CAPACITY", "capacity"},
           {"IN-FLIGHT", "in_flight"},
           {"DONE", "done"},
           {"FAILED", "failed"},
           {"HEARTBEAT", "last_heartbeat_at", CellKind::age},
           {"ADDRESS", "address", CellKind::text, true}}};
}

Resource make_agents() {
  return {{"agents", "agent"},
          "/api/v1/agents",
          "agents",
          "name",
          {{"NAME", "name"},
           {"TARGET", "llm|pool"},
           {"PRIORITY", "priority"},
           {"DESCRIPTION", "description"}}};
}

Resource make_llms() {
  return {{"llms", "llm"},
          "/api/v1/llms",
          "llms",
          "name",
          {{"NAME", "name"},
           {"KIND", "kind"},
           {"TYPE", "type"},
           {"MODEL", "model"},
           {"POOL", "pool"},
           {"STATUS", "status"},
           {"CAPACITY", "capacity"},
           {"RUNNING", "running"},
           {"TIER", "tier", CellKind::text, true},
           {"BREAKER", "breaker", CellKind::text, true},
           {"FAILURES", "failures", CellKind::text, true},
           {"URL", "url", CellKind::text, true}}};
}

Resource make_profiles() {
  return {{"profiles", "profile"},
          "/api/v1/profiles",
          "profiles",
          "name",
          {{"NAME", "name"},
           {"SLOTS", "max_concurrent"},
           {"IN-FLIGHT", "in_flight"},
           {"INTERACTIVE", "waiting.interactive"},
           {"WORKFLOW", "waiting.workflow"},
           {"BACKGROUND", "waiting.background"},
           {"MAX-QUEUED", "max_queued"},
           {"POLICY", "policy"},
           {"ADMITTED", "admitted_total"},
           {"REJECTED", "rejected_total"},
           {"QUEUE-WAIT-S", "default_queue_wait_s", CellKind::text, true},
           {"INFERENCE-S", "default_inference_s", CellKind::text, true},
           {"ESTIMATED-WAIT-S", "estimated_wait_s", CellKind::text, true}}};
}

Resource make_pools() {
  return {{"pools", "pool"},
          "/api/v1/pools",
          "pools",
          "name",
          {{"NAME", "name"},
           {"CHOICE", "choice"},
           {"LLMS", "llms", CellKind::names},
           {"SESSIONS", "sessions"}}};
}

bool is_missing(std::string_view value) {
  return value.empty() || value == "null" || value == "\"\"";
}

std::string_view find_value(std::string_view row, std::string_view member) {
  if (const std::size_t bar = member.find('|'); bar != std::string_view::npos) {
    const std::string_view first = find_value(row, member.substr(0, bar));
    return is_missing(first) ? find_value(row, member.substr(bar + 1)) : first;
  }
  const std::size_t dot = member.find('.');
  const std::string_view value = http::value_of(row, member.substr(0, dot));
  if (dot == std::string_view::npos || value.empty()) return value;
  return find_value(value, member.substr(dot + 1));
}

/// @returns the names of a list's objects; an element that is a string is its own name.
std::string join_names(std::string_view list) {
  std::string joined;
  for (const std::string_view element : http::elements_of(list)) {
    const bool is_object = element.starts_with('{');
    const auto name = http::unquote(is_object ? http::value_of(element, "name") : element);
    if (name) joined += (joined.empty() ? "" : ",") + *name;
  }
  return joined;
}

std::optional<WallTime> find_time(std::string_view row, std::string_view member) {
  const auto text = http::unquote(http::value_of(row, member));
  WallTime time;
  if (!text || !http::parse_time(*text, time)) return std::nullopt;
  return time;
}

std::string to_span(std::string_view row, std::string_view member, WallTime now) {
  if (const std::size_t bar = member.find('|'); bar != std::string_view::npos) {
    const std::string first = to_span(row, member.substr(0, bar), now);
    return first.empty() ? to_span(row, member.substr(bar + 1), now) : first;
  }
  const auto positive = [](std::chrono::milliseconds span) {
    return format_span(std::max(span, std::chrono::milliseconds{0}));
  };
  const std::size_t dots = member.find("..");
  if (dots == std::string_view::npos) {
    const std::string_view value = http::value_of(row, member);
    double ms = 0;
    const bool is_number = read_number(value, ms) && ms >= 0 && ms < 1e15;
    return is_number ? positive(std::chrono::milliseconds{std::llround(ms)}) : "";
  }
  const auto from = find_time(row, member.substr(0, dots));
  if (!from) return "";
  const std::string_view end = member.substr(dots + 2);
  if (!end.empty()) {
    const auto to = find_time(row, end);
    return to ? positive(*to - *from) : "";
  }
  return find_time(row, "finished_at") ? "" : positive(now - *from);
}

std::string to_cell(const Column& column, std::string_view value, WallTime now) {
  if (is_missing(value)) return "";
  if (column.kind == CellKind::names) return to_printable(join_names(value));
  const std::string text = to_printable(http::unquote(value).value_or(std::string{value}));
  switch (column.kind) {
    case CellKind::text:
    case CellKind::names:
    case CellKind::span:
      return text;
    case CellKind::flag:
      return text == "true" ? "yes" : "no";
    case CellKind::age: {
      WallTime time;
      return http::parse_time(text, time) ? format_age(now - time) : text;
    }
  }
  return text;
}

}  // namespace

const std::vector<Resource>& all_resources() {
  static const std::vector<Resource> resources{make_tasks(),  make_workers(),  make_llms(),
                                               make_agents(), make_profiles(), make_calls(),
                                               make_pools()};
  return resources;
}

bool Resource::takes(std::string_view filter) const {
  return std::find(filters.begin(), filters.end(), filter) != filters.end();
}

const Resource* find_resource(std::string_view name) {
  for (const Resource& resource : all_resources()) {
    const auto& names = resource.names;
    if (std::find(names.begin(), names.end(), name) != names.end()) return &resource;
  }
  return nullptr;
}

std::vector<std::string> resource_names() {
  std::vector<std::string> names;
  for (const Resource& resource : all_resources()) {
    names.insert(names.end(), resource.names.begin(), resource.names.end());
  }
  return names;
}

std::vector<std::string> all_statuses() {
  std::vector<std::string> words;
  for (const Resource& resource : all_resources()) {
    for (const std::string& word : resource.statuses) {
      if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    }
  }
  return words;
}

std::string join_resources() {
  std::string joined;
  for (const Resource& resource : all_resources()) {
    const bool is_last = &resource == &all_resources().back();
    joined += (joined.empty() ? "" : is_last ? " and " : ", ") + resource.names.front();
  }
  return joined;
}

std::vector<std::string> headers_of(const Resource& resource, bool is_wide) {
  std::vector<std::string> headers;
  for (const Column& column : resource.columns) {
    if (is_wide || !column.is_wide) headers.push_back(column.header);
  }
  return headers;
}

std::vector<std::string> cells_of(const Resource& resource, std::string_view row, bool is_wide,
                                  WallTime now) {
  std::vector<std::string> cells;
  for (const Column& column : resource.columns) {
    if (column.is_wide && !is_wide) continue;
    cells.push_back(column.kind == CellKind::span
                        ? to_span(row, column.member, now)
                        : to_cell(column, find_value(row, column.member), now));
  }
  return cells;
}

}  // namespace signalbox::cli
