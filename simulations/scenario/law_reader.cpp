#include "simulations/scenario/law_reader.hpp"

#include <algorithm>

namespace signalbox::sim {
namespace {

using config::SectionReader;

constexpr std::uint64_t tokens_max = 1'000'000;
/// Unit: s. With the largest draws a call's time stays far below what nanoseconds can count.
constexpr double per_token_s_max = 60;
constexpr std::size_t fraction_digits = 9;
/// More would not fit into the nanoseconds of a run.
constexpr std::size_t whole_digits_max = 9;

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::int64_t to_number(std::string_view digits) {
  std::int64_t number = 0;
  for (const char c : digits) number = number * 10 + (c - '0');
  return number;
}

/// A floating-point number of seconds is not exact to the nanosecond after 52 days.
/// @returns nothing unless `text` is digits with at most nine behind a point.
std::optional<Duration> parse_exactly(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string fraction{point == std::string_view::npos ? "" : text.substr(point + 1)};
  const bool is_plain = !whole.empty() && whole.size() <= whole_digits_max &&
                        fraction.size() <= fraction_digits && is_digits(whole) &&
                        is_digits(fraction);
  if (!is_plain) return std::nullopt;
  fraction.resize(fraction_digits, '0');
  return Duration{to_number(whole) * 1'000'000'000 + to_number(fraction)};
}

Duration read_between(SectionReader& section, const std::string& key, double min, double max) {
  double seconds = 0;
  section.require(key);
  section.read_seconds(key, seconds, min, max);
  const config::Entry* entry = section.find(key);
  if (entry == nullptr || entry->value->kind != config::NodeKind::scalar) return {};
  return parse_exactly(entry->value->text).value_or(to_duration(seconds));
}

std::int64_t read_tokens(SectionReader& section, const std::string& key) {
  std::int64_t tokens = 0;
  section.require(key);
  section.read_whole(key, tokens, {0, tokens_max});
  return tokens;
}

void check_span(SectionReader& section, const Law& law) {
  if (law.kind != LawKind::uniform || law.low <= law.high) return;
  section.context().add(*section.node(), section.path(), "its low end must not be above its high");
}

Duration read_per_token(SectionReader& section, const std::string& key) {
  if (section.find(key) == nullptr) return Duration::zero();
  return read_time(section, key, per_token_s_max);
}

}  // namespace

Duration to_duration(double seconds) {
  return Duration{static_cast<std::int64_t>(seconds * 1e9 + 0.5)};
}

Duration read_time(SectionReader& section, const std::string& key, double max) {
  return read_between(section, key, 0, max);
}

std::optional<Duration> read_optional_time(SectionReader& section, const std::string& key) {
  if (section.find(key) == nullptr) return std::nullopt;
  return read_time(section, key);
}

std::optional<Duration> read_budget(SectionReader& section, const std::string& key) {
  if (section.find(key) == nullptr) return std::nullopt;
  return read_between(section, key, budget_s_min, budget_s_max);
}

std::optional<std::string> read_law_word(SectionReader& section,
                                         const std::vector<std::string>& words) {
  std::optional<std::string> word;
  section.require("law");
  section.read_word("law", word, words,
                    [](const std::string& text) { return std::optional<std::string>{text}; });
  return word;
}

Law read_time_law(SectionReader& section, std::string_view law) {
  if (law == "const") return {LawKind::constant, read_time(section, "value_s").count()};
  if (law == "exp") return {LawKind::exponential, read_time(section, "mean_s").count()};
  const Law uniform{LawKind::uniform, read_time(section, "min_s").count(),
                    read_time(section, "max_s").count()};
  check_span(section, uniform);
  return uniform;
}

ServiceLaw read_service(SectionReader section) {
  ServiceLaw service;
  const auto law = read_law_word(section, {"const", "exp", "uniform", "linear"});
  if (!law) return service;
  if (law == "linear") {
    service.base = {LawKind::constant, read_time(section, "overhead_s").count()};
    section.require("per_token_out_s");
  } else {
    service.base = read_time_law(section, *law);
  }
  service.per_token_out = read_per_token(section, "per_token_out_s");
  service.per_token_in = read_per_token(section, "per_token_in_s");
  section.finish();
  return service;
}

Law read_token_law(SectionReader& client, const std::string& key) {
  const config::Entry* entry = client.find(key);
  if (entry == nullptr) return {};
  if (entry->value->kind == config::NodeKind::scalar) {
    return {LawKind::constant, read_tokens(client, key)};
  }
  SectionReader section = open_section(client, key);
  const auto word = read_law_word(section, {"const", "exp", "uniform"});
  Law law;
  if (!word) return law;
  if (word == "const") {
    law = {LawKind::constant, read_tokens(section, "value")};
  } else if (word == "exp") {
    law = {LawKind::exponential, read_tokens(section, "mean")};
  } else {
    law = {LawKind::uniform, read_tokens(section, "min"), read_tokens(section, "max")};
  }
  check_span(section, law);
  section.finish();
  return law;
}

std::optional<ActLaw> read_act(SectionReader& client, const std::string& key) {
  if (client.find(key) == nullptr) return std::nullopt;
  SectionReader section = open_section(client, key);
  ActLaw act;
  const auto word = read_law_word(section, {"const", "exp", "uniform"});
  if (!word) return act;
  act.after = read_time_law(section, *word);
  section.read_whole("percent", act.percent, {0, 100});
  section.finish();
  return act;
}

std::optional<RetryLaw> read_retry(SectionReader& client, const std::string& key) {
  if (client.find(key) == nullptr) return std::nullopt;
  SectionReader section = open_section(client, key);
  RetryLaw retry;
  section.require("tries");
  section.read_whole("tries", retry.tries, {2, tries_max});
  retry.backoff = read_time(section, "backoff_s", backoff_s_max);
  section.read_whole("factor", retry.factor, {1, backoff_factor_max});
  if (section.find("backoff_max_s") != nullptr) {
    retry.backoff_max = read_time(section, "backoff_max_s", backoff_s_max);
  }
  retry.jitter = read_share(section, "jitter", 1);
  section.read_flag("heeds_retry_after", retry.heeds_retry_after);
  section.finish();
  return retry;
}

std::uint32_t read_share(SectionReader& section, const std::string& key, double max) {
  double share = 0;
  section.read_decimal(key, share, 0, max, "parts of one");
  return static_cast<std::uint32_t>(share * 1000 + 0.5);
}

}  // namespace signalbox::sim
