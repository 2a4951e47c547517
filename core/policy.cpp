#include "core/policy.hpp"

#include "core/aging_policy.hpp"
#include "core/error.hpp"
#include "core/fair_policy.hpp"
#include "core/shortest_job_policy.hpp"
#include "core/strict_policy.hpp"
#include "core/swap_policy.hpp"

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
