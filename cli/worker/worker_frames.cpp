#include "cli/worker/worker_frames.hpp"

#include <algorithm>

#include "core/base/read_number.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

constexpr std::size_t id_bytes_max = 128;

std::uint64_t number_or_zero(std::string_view text) {
  std::uint64_t number = 0;
  return read_number(text, number) ? number : 0;
}

/// @returns an empty text unless there is a usable id.
std::string read_task(std::string_view data) {
  auto task = http::unquote(http::value_of(data, "task"));
  return task && is_wire_id(*task) ? std::move(*task) : std::string{};
}

std::optional<WorkerFrame> parse_infer(std::string_view data) {
  InferFrame frame;
  frame.task = read_task(data);
  frame.request = http::value_of(data, "request");
  const auto kind = http::unquote(http::value_of(data, "kind"));
  const auto known = parse_task_kind(kind.value_or("chat"));
  if (frame.task.empty() || !frame.request.starts_with('{') || !known) return std::nullopt;
  frame.kind = *known;
  frame.model = http::unquote(http::value_of(data, "model")).value_or("");
  frame.is_streaming = http::value_of(data, "streaming") == "true";
  frame.attempt = number_or_zero(http::value_of(data, "attempt"));
  return frame;
}

std::optional<std::chrono::milliseconds> read_retry(std::string_view raw) {
  constexpr std::string_view field = "retry:";
  while (!raw.empty()) {
    const std::size_t end = std::min(raw.find_first_of("\r\n"), raw.size());
    std::string_view line = raw.substr(0, end);
    raw.remove_prefix(std::min(end + 1, raw.size()));
    if (!line.starts_with(field)) continue;
    line.remove_prefix(field.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    return std::chrono::milliseconds{std::min<std::uint64_t>(number_or_zero(line), 60'000)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<WorkerFrame> parse_frame(const http::SseEvent& event) {
  if (event.name == "drain") return DrainFrame{read_retry(event.raw)};
  if (!event.has_data || http::check_json(event.data).has_error()) return std::nullopt;
  if (event.name == "infer") return parse_infer(event.data);
  std::string task = read_task(event.data);
  if (task.empty()) return std::nullopt;
  if (event.name == "wake") return WakeFrame{std::move(task)};
  if (event.name == "cancel") return CancelFrame{std::move(task)};
  return std::nullopt;
}

bool is_wire_id(std::string_view text) {
  const bool is_dots = text == "." || text == "..";
  return !text.empty() && text.size() <= id_bytes_max && !is_dots &&
         std::all_of(text.begin(), text.end(), [](char byte) {
           return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                  (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
         });
}

}  // namespace signalbox::cli
