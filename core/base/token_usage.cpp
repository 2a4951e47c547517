#include "core/base/token_usage.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace signalbox {
namespace {

constexpr std::size_t searched_bytes = std::size_t{16} * 1024;
/// An object of counts, with the details that some backends add.
constexpr std::size_t object_bytes_max = 1024;

std::string_view without_space(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

/// @param quoted the name in its quotes: inside a string these would be escaped, so that no text of
/// the answer is taken for a member. @returns what stands behind its colon; empty = no such member.
std::string_view after_member(std::string_view text, std::string_view quoted) {
  const std::size_t place = text.rfind(quoted);
  if (place == std::string_view::npos) return {};
  const std::string_view rest = without_space(text.substr(place + quoted.size()));
  return rest.starts_with(':') ? without_space(rest.substr(1)) : std::string_view{};
}

std::optional<std::uint32_t> count_in(std::string_view object, std::string_view quoted) {
  const std::string_view text = after_member(object, quoted);
  std::uint32_t count = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
  return read.ec == std::errc{} ? std::optional{count} : std::nullopt;
}

TokenUsage find_usage(std::string_view text) {
  std::string_view object = after_member(text, "\"usage\"");
  if (object.starts_with('{')) {
    object = object.substr(0, object_bytes_max);
    return {count_in(object, "\"prompt_tokens\""), count_in(object, "\"completion_tokens\"")};
  }
  object = after_member(text, "\"stats\"");
  if (!object.starts_with('{')) return {};
  object = object.substr(0, object_bytes_max);
  return {count_in(object, "\"input_tokens\""), count_in(object, "\"total_output_tokens\"")};
}

}  // namespace

TokenUsage read_token_usage(std::string_view body) {
  const std::size_t tail = body.size() - std::min(body.size(), searched_bytes);
  const TokenUsage found = find_usage(body.substr(tail));
  if (found != TokenUsage{} || tail == 0) return found;
  return find_usage(body.substr(0, searched_bytes));
}

}  // namespace signalbox
