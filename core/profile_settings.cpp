#include "core/profile_settings.hpp"

#include <array>
#include <charconv>
#include <string_view>

#include "core/read_number.hpp"

namespace signalbox {
namespace {

Error out_of_range(const char* field, const char* range) {
  return make_error(ErrorCode::invalid_request, std::string{field} + " must be " + range)
      .at_param(field);
}

// Written so that a NaN fails too.
bool is_budget(double seconds) {
  return seconds >= budget_s_min && seconds <= budget_s_max;
}

constexpr std::array<std::string_view, 5> policy_names{"strict", "aging", "fair", "sjf", "swap"};
constexpr std::array<std::string_view, 1> policies_available{"strict"};

bool contains(const auto& names, std::string_view name) {
  for (const std::string_view each : names) {
    if (each == name) return true;
  }
  return false;
}

// Locale-free and exact both ways, unlike std::to_string.
template <class Number>
std::string to_text(Number number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

bool read_field(std::string_view name, std::string_view value, ProfileSettings& settings) {
  if (name == "max_concurrent") return read_number(value, settings.max_concurrent.emplace());
  if (name == "max_queued") return read_number(value, settings.max_queued);
  if (name == "queue_wait_s") return read_number(value, settings.default_queue_wait_s);
  if (name == "inference_s") return read_number(value, settings.default_inference_s);
  if (name == "commit") {
    settings.commit = value == "relaxed" ? CommitMode::relaxed : CommitMode::sync;
    return value == "relaxed" || value == "sync";
  }
  if (name != "policy") return false;
  settings.policy = value;
  return true;
}

}  // namespace

std::string encode(const ProfileSettings& settings) {
  std::string text = "v1";
  if (settings.max_concurrent) text += " max_concurrent=" + to_text(*settings.max_concurrent);
  text += " max_queued=" + to_text(settings.max_queued);
  text += " queue_wait_s=" + to_text(settings.default_queue_wait_s);
  text += " inference_s=" + to_text(settings.default_inference_s);
  text += " policy=" + settings.policy;
  if (settings.commit)
    text += *settings.commit == CommitMode::sync ? " commit=sync" : " commit=relaxed";
  return text;
}

std::optional<ProfileSettings> decode_profile_settings(std::string_view text) {
  if (!text.starts_with("v1")) return std::nullopt;
  text.remove_prefix(2);
  ProfileSettings settings;
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
    const std::string_view field = text.substr(0, text.find(' '));
    text.remove_prefix(field.size());
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    if (!read_field(field.substr(0, equals), field.substr(equals + 1), settings)) {
      return std::nullopt;
    }
  }
  if (!text.empty() || check(settings)) return std::nullopt;
  return settings;
}

std::optional<Error> check(const ProfileSettings& settings) {
  if (settings.max_concurrent && *settings.max_concurrent > max_concurrent_max) {
    return out_of_range("max_concurrent", "a whole number from 0 to 10000");
  }
  if (settings.max_queued > max_queued_max) {
    return out_of_range("max_queued", "a whole number from 0 to 100000");
  }
  if (!is_budget(settings.default_queue_wait_s)) {
    return out_of_range("default_queue_wait_s", "from 0.001 to 86400 seconds");
  }
  if (!is_budget(settings.default_inference_s)) {
    return out_of_range("default_inference_s", "from 0.001 to 86400 seconds");
  }
  if (!contains(policy_names, settings.policy)) {
    return out_of_range("policy", "one of strict, aging, fair, sjf, swap");
  }
  if (!contains(policies_available, settings.policy)) {
    return make_error(ErrorCode::invalid_request,
                      "policy \"" + settings.policy + "\" is not in this version; \"strict\" is")
        .at_param("policy");
  }
  return std::nullopt;
}

}  // namespace signalbox
