// How much work a server gets done in a time, measured on calls that have ended. Whole numbers, so
// that what is made of it is the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace signalbox {

/// Work over time; which units does not matter as long as two that are compared have the same.
struct WorkRate {
  /// Range: 0..2^35.
  std::int64_t work = 0;
  /// Range: 1..2^50.
  std::int64_t time = 1;

  friend bool operator==(const WorkRate&, const WorkRate&) = default;
};

/// Relative differences and errors are told in parts of this.
inline constexpr std::int64_t rate_unit = 1 << 20;

/// @returns by how much `rate` differs from `other`, as a share of `other`, up or down; as much as
/// can be told when `other` is no work at all. Unit: 1/rate_unit.
std::int64_t relative_difference(const WorkRate& rate, const WorkRate& other);

/// Calls of one kind of load: their work and time each, at most `size_max`.
class RateSample {
 public:
  static constexpr std::size_t size_max = 512;
  /// Of one call. More counts as that much.
  static constexpr std::int64_t work_max = 1 << 26;
  static constexpr std::int64_t time_max = std::int64_t{1} << 41;

  /// @pre size() < size_max, and neither is negative.
  void add(std::int64_t work, std::int64_t time);
  void clear() { *this = {}; }

  [[nodiscard]] std::size_t size() const { return x_calls.size(); }
  /// All work over all time: a long call counts for more than a short one. @pre size() > 0.
  [[nodiscard]] WorkRate rate() const { return x_sum; }
  /// @returns the square of the rate's standard error, as a share of the rate, from how far each
  /// call is off. Without work it is 0: no call did any. Unit: 1/rate_unit^2. Linear in size().
  [[nodiscard]] std::int64_t squared_error() const;

 private:
  std::vector<WorkRate> x_calls;
  WorkRate x_sum{0, 0};
};

}  // namespace signalbox
