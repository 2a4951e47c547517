// A random walk of clients and workers through a whole house, drawn from one seed, with what must
// hold after every step.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simulations/walk_worker.hpp"

namespace signalbox::testing {

class HouseWalk {
 public:
  explicit HouseWalk(std::uint64_t seed);

  /// One move of somebody, and a few messages of whatever is under way, or all of them.
  /// @returns what is broken, empty when all holds.
  std::string step();
  /// Faults stop and workers come back. @returns what has not ended, empty when all has.
  std::string finish();
  /// Every task that was ever seen in the store, as it was last.
  [[nodiscard]] const std::map<TaskId, Task>& rows() const { return x_rows; }
  /// Moves so far, newest last.
  [[nodiscard]] const std::string& trace() const { return x_trace; }

 private:
  void client_moves(std::uint64_t choice);
  void worker_moves(std::uint64_t choice);
  void worker_works(WalkWorker& worker);
  void submit();
  void restart();
  void bring_all_back();
  void note(const std::string& move);
  [[nodiscard]] std::string check_rows();
  [[nodiscard]] std::string check_receipts();
  /// When nothing is under way: rows, profiles and the directory say the same.
  [[nodiscard]] std::string check_places();
  [[nodiscard]] std::string check_end();
  [[nodiscard]] std::size_t running_actors();
  template <class Value>
  const Value& any(const std::vector<Value>& values) {
    return values[x_random.below(values.size())];
  }

  sim::RandomStream x_random;
  HouseFixture x_house;
  std::vector<WalkWorker> x_workers;
  std::vector<actors::CallNumber> x_calls;
  /// Their process has gone down with the house, or they hung up.
  std::set<actors::CallNumber> x_lost_calls;
  std::map<TaskId, Task> x_rows;
  std::size_t x_actors_at_start = 0;
  std::string x_trace;
};

}  // namespace signalbox::testing
