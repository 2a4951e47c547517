// Every struct is taken apart by structured bindings: a field that is added to one of them does not
// compile here until it is written, too.
#include "simulations/scenario/law_writer.hpp"

namespace signalbox::sim {

std::string share_text(std::uint32_t share) {
  return number_text(share / 1000.0);
}

void add_optional_time(FlowMap& map, std::string_view key, const std::optional<Duration>& time) {
  if (time) map.add(key, seconds_text(*time));
}

FlowMap time_law(const Law& law) {
  const auto& [kind, low, high] = law;
  FlowMap text;
  switch (kind) {
    case LawKind::constant:
      text.add("law", "const").add("value_s", seconds_text(Duration{low}));
      break;
    case LawKind::exponential:
      text.add("law", "exp").add("mean_s", seconds_text(Duration{low}));
      break;
    case LawKind::uniform:
      text.add("law", "uniform").add("min_s", seconds_text(Duration{low}));
      text.add("max_s", seconds_text(Duration{high}));
      break;
  }
  return text;
}

std::string service_text(const ServiceLaw& service) {
  const auto& [base, per_token_in, per_token_out] = service;
  const bool is_linear = base.kind == LawKind::constant && per_token_out != Duration::zero();
  FlowMap law;
  if (is_linear) {
    law.add("law", "linear").add("overhead_s", seconds_text(Duration{base.low}));
  } else {
    law = time_law(base);
  }
  if (per_token_out != Duration::zero()) {
    law.add("per_token_out_s", seconds_text(per_token_out));
  }
  if (per_token_in != Duration::zero()) law.add("per_token_in_s", seconds_text(per_token_in));
  return law.text();
}

std::string token_law_text(const Law& law) {
  const auto& [kind, low, high] = law;
  switch (kind) {
    case LawKind::constant:
      return std::to_string(low);
    case LawKind::exponential:
      return FlowMap{}.add("law", "exp").add("mean", low).text();
    case LawKind::uniform:
      return FlowMap{}.add("law", "uniform").add("min", low).add("max", high).text();
  }
  return {};
}

std::string act_text(const ActLaw& act) {
  const auto& [after, percent] = act;
  FlowMap law = time_law(after);
  if (percent != ActLaw{}.percent) law.add("percent", percent);
  return law.text();
}

std::string retry_text(const RetryLaw& retry) {
  const RetryLaw usual;
  const auto& [tries, backoff, factor, backoff_max, jitter, heeds_retry_after] = retry;
  FlowMap text;
  text.add("tries", tries).add("backoff_s", seconds_text(backoff));
  if (factor != usual.factor) text.add("factor", factor);
  if (backoff_max != usual.backoff_max) text.add("backoff_max_s", seconds_text(backoff_max));
  if (jitter > 0) text.add("jitter", share_text(jitter));
  if (heeds_retry_after) text.add("heeds_retry_after", "true");
  return text.text();
}

}  // namespace signalbox::sim
