#include "simulations/scenario/fault_reader.hpp"

#include <algorithm>

#include "simulations/scenario/law_reader.hpp"

namespace signalbox::sim {
namespace {

using config::SectionReader;

std::vector<std::string> kind_words() {
  std::vector<std::string> words;
  for (const FaultShape& shape : fault_shapes()) words.emplace_back(shape.name);
  return words;
}

std::optional<FaultKind> parse_kind(std::string_view word) {
  for (const FaultShape& shape : fault_shapes()) {
    if (shape.name == word) return shape.kind;
  }
  return std::nullopt;
}

void read_target(SectionReader& section, const Scenario& scenario, FaultTarget target,
                 Fault& fault) {
  if (target == FaultTarget::broker) return;
  const bool is_backend = target == FaultTarget::backend;
  const std::string key = is_backend ? "backend" : "profile";
  section.require(key);
  section.read_text(key, fault.target, config::check_name);
  const bool is_known =
      is_backend ? std::any_of(scenario.backends.begin(), scenario.backends.end(),
                               [&](const auto& backend) { return backend.name == fault.target; })
                 : scenario.profiles.contains(fault.target);
  if (fault.target.empty() || is_known) return;
  section.context().add(*section.node(), section.path_of(key),
                        "there is no " + key + " " + config::quote(fault.target));
}

void read_policy(SectionReader& section, const std::string& key, std::string& policy) {
  section.require(key);
  section.read_text(key, policy, [](const std::string& text) -> std::optional<std::string> {
    ProfileSettings settings;
    settings.policy = text;
    if (auto error = check(settings)) return std::move(error->message);
    return std::nullopt;
  });
}

/// A server that slows down confirms at once that it has stopped.
void check_server(SectionReader& section, const Scenario& scenario, const Fault& fault) {
  const bool needs_words_after_abort =
      fault.kind == FaultKind::late_completion || fault.kind == FaultKind::slow_abort;
  if (!needs_words_after_abort) return;
  for (const BackendSpec& backend : scenario.backends) {
    if (backend.name != fault.target || backend.slowdown.is_none()) continue;
    section.context().add(*section.node(), section.path_of("backend"),
                          "has a slowdown, and so no " + std::string{to_string(fault.kind)});
  }
}

Fault read_fault(SectionReader& section, const Scenario& scenario) {
  Fault fault;
  std::optional<FaultKind> kind;
  section.require("kind");
  section.read_word("kind", kind, kind_words(), parse_kind);
  // Without it nothing else can be judged.
  if (!kind) return fault;
  const FaultShape& shape = shape_of(*kind);
  fault.kind = *kind;
  read_target(section, scenario, shape.target, fault);
  fault.at = read_time(section, "at_s");
  if (shape.has_lasts) {
    fault.lasts = read_optional_time(section, "lasts_s").value_or(Duration::zero());
  }
  if (!shape.amount_key.empty()) {
    const std::string key{shape.amount_key};
    if (shape.target != FaultTarget::broker) section.require(key);
    section.read_whole(key, fault.amount,
                       {static_cast<std::uint64_t>(shape.amount_min),
                        static_cast<std::uint64_t>(shape.amount_max)});
  }
  if (!shape.delay_key.empty()) {
    const std::string key{shape.delay_key};
    if (shape.delay_min > Duration::zero()) section.require(key);
    fault.delay = read_optional_time(section, key).value_or(shape.delay_min);
    if (fault.delay < shape.delay_min) {
      section.context().add(*section.node(), section.path_of(key), "is too short");
    }
  }
  if (!shape.word_key.empty()) read_policy(section, std::string{shape.word_key}, fault.word);
  section.finish();
  check_server(section, scenario, fault);
  return fault;
}

}  // namespace

void read_faults(SectionReader& root, Scenario& scenario) {
  for (SectionReader& section : root.read_sections("faults")) {
    scenario.faults.push_back(read_fault(section, scenario));
  }
}

}  // namespace signalbox::sim
