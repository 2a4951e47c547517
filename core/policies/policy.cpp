#include "core/policies/policy.hpp"

#include "core/base/error.hpp"
#include "core/policies/aging_policy.hpp"
#include "core/policies/fair_policy.hpp"
#include "core/policies/shortest_job_policy.hpp"
#include "core/policies/strict_policy.hpp"
#include "core/policies/swap_policy.hpp"

namespace signalbox {

std::uint32_t SlotUse::free() const {
  std::uint32_t used = 0;
  for (const std::uint32_t of_class : in_flight) used += of_class;
  return slots > used ? slots - used : 0;
}

Rooms Policy::rooms(const SlotUse& use) const {
  const std::uint32_t free = use.free();
  return {free, free, free};
}

std::unique_ptr<Policy> make_policy(std::string_view name, const PolicyOptions& options) {
  if (name == "aging") return std::make_unique<AgingPolicy>(options);
  if (name == "fair") return std::make_unique<FairPolicy>();
  if (name == "sjf") return std::make_unique<ShortestJobPolicy>(options);
  if (name == "swap") return std::make_unique<SwapPolicy>(options);
  SIGNALBOX_ASSERT(name == "strict");
  return std::make_unique<StrictPolicy>(options);
}

}  // namespace signalbox
