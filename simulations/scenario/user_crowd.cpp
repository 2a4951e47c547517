#include "simulations/scenario/user_crowd.hpp"

#include <string>

#include "core/base/error.hpp"

namespace signalbox::sim {

UserCrowd::UserCrowd(const ClientSpec& client, std::uint64_t seed)
    : x_think{client.arrival.closed.think} {
  const std::uint32_t users = client.arrival.closed.users;
  x_users.reserve(users);
  for (std::uint32_t user = 0; user < users; ++user) {
    x_users.emplace_back(seed, "users/" + client.name + "/" + std::to_string(user));
    think(user, client.start);
  }
}

std::optional<Duration> UserCrowd::next_at() const {
  if (x_thinking.empty()) return std::nullopt;
  return x_thinking.begin()->first;
}

UserCrowd::Call UserCrowd::take() {
  SIGNALBOX_ASSERT(!x_thinking.empty());
  const std::uint32_t user = x_thinking.extract(x_thinking.begin()).value().second;
  return {user, x_users[user].next()};
}

void UserCrowd::answered(std::uint32_t user, Duration now) {
  think(user, now);
}

void UserCrowd::think(std::uint32_t user, Duration from) {
  RandomStream random{x_users[user].next(), "think"};
  const bool is_new = x_thinking.emplace(from + Duration{x_think.draw(random)}, user).second;
  SIGNALBOX_ASSERT(is_new);
}

}  // namespace signalbox::sim
