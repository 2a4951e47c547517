#include "simulations/campaign/draw_arrivals.hpp"

#include <algorithm>

namespace signalbox::sim {
namespace {

constexpr Duration step_min = std::chrono::milliseconds{1};

ArrivalLaw in_clusters(Duration gap) {
  ArrivalLaw law;
  law.kind = ArrivalKind::hyperexp;
  law.gap = gap / 5;
  // 0.8 * gap / 5 + 0.2 * gap * 21 / 5 is the gap.
  law.hyperexp = {gap * 21 / 5, 800};
  return law;
}

ArrivalLaw in_bursts(Duration gap, RandomStream& random) {
  ArrivalLaw law;
  law.kind = ArrivalKind::on_off;
  law.gap = gap / 4;
  law.on_off.on = std::max(gap * static_cast<std::int64_t>(1 + random.below(4)), step_min);
  law.on_off.off = law.on_off.on * 3;
  return law;
}

ArrivalLaw by_users(Duration gap, RandomStream& random) {
  ArrivalLaw law;
  law.kind = ArrivalKind::closed;
  law.closed.users = static_cast<std::uint32_t>(1 + random.below(8));
  const Duration think = std::max(gap * law.closed.users, step_min);
  law.closed.think = {random.below(2) == 0 ? LawKind::constant : LawKind::exponential,
                      think.count()};
  return law;
}

}  // namespace

void draw_arrivals(Scenario& scenario, RandomStream& random) {
  for (ClientSpec& client : scenario.clients) {
    const std::uint64_t luck = random.below(100);
    const Duration gap = client.arrival.gap;
    if (luck < 5) {
      client.arrival = in_clusters(gap);
    } else if (luck < 10) {
      client.arrival = in_bursts(gap, random);
    } else if (luck < 25) {
      client.arrival = by_users(gap, random);
    }
  }
}

}  // namespace signalbox::sim
