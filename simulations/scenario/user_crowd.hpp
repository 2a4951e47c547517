// The users of a closed client: each thinks, calls, waits for the answer, and thinks again. What a
// user's n-th call is, and how long he thinks before it, does not depend on when he was answered:
// every user draws from a stream of his own.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "simulations/scenario/random.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

class UserCrowd {
 public:
  /// All of them think from the client's start on.
  UserCrowd(const ClientSpec& client, std::uint64_t seed);

  struct Call {
    std::uint32_t user = 0;
    /// Everything that is drawn for the call comes from this.
    std::uint64_t seed = 0;
  };

  /// @returns when the next of them calls; nothing while all wait for answers.
  [[nodiscard]] std::optional<Duration> next_at() const;
  /// That one calls, and waits from now on. @pre there is one.
  Call take();
  /// @pre he waits.
  void answered(std::uint32_t user, Duration now);

 private:
  void think(std::uint32_t user, Duration from);

  Law x_think;
  std::vector<RandomStream> x_users;
  /// When each calls who does not wait.
  std::set<std::pair<Duration, std::uint32_t>> x_thinking;
};

}  // namespace signalbox::sim
