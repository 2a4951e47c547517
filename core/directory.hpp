// Who can run what, and how much of it is in use. Leases are granted here: a call runs on a backend
// only while it holds one, so an executor's capacity holds across all profiles.
//
// Who asks while there is no room stands in line, ordered by class and arrival over all targets,
// and is granted the lease as soon as there is: no wake-up can be lost.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/backend_choice.hpp"
#include "core/lease.hpp"
#include "core/llm.hpp"

namespace signalbox {

/// Who asks for a lease: a profile or a task that tries again. Chosen by the asker, unique.
using RequesterId = std::string;

struct LeaseRequest {
  RequesterId requester;
  std::string target;
  Priority priority = Priority::workflow;
  /// LLMs that have just failed this call: taken only when nothing else is left.
  std::vector<std::string> avoid;
  /// Backends known to be down will do when there is no other (a second try at the only one).
  bool accept_inactive = false;
};

struct LeaseGrant {
  RequesterId requester;
  std::string target;
  Lease lease;
};

class DirectoryBook {
 public:
  /// Registers or replaces the LLMs of an executor. An LLM whose name another executor owns is left
  /// out and returned.
  std::vector<std::string> put_llms(ExecutorId executor, std::vector<Llm> llms);
  void remove_executor(ExecutorId executor);
  /// All LLMs of the executor that are active or inactive. @returns true when something changed.
  bool set_status(ExecutorId executor, LlmStatus status, WallTime at);

  /// @returns the lease, or nothing: then the request stands in line (one per requester and
  /// target).
  std::optional<Lease> acquire(LeaseRequest request);
  /// Leaves the line; a lease already granted is not touched.
  void withdraw(const RequesterId& requester, const std::string& target);
  void release(const Lease& lease);

  /// @returns who in line is granted what now. To be called after put_llms, remove_executor,
  /// set_status and release.
  std::vector<LeaseGrant> serve_line();

  [[nodiscard]] RoutingTable table() const;
  /// Live capacity groups behind a target.
  [[nodiscard]] CapacityList capacities(const std::string& target) const;
  [[nodiscard]] std::uint64_t running_total() const;

 private:
  struct Group {
    std::uint32_t capacity = 1;
    std::uint32_t running = 0;
  };
  using LineKey = std::pair<Priority, std::uint64_t>;

  [[nodiscard]] bool is_owned_by_other(const std::string& name, ExecutorId executor) const;
  [[nodiscard]] std::optional<Lease> try_lease(const LeaseRequest& request);
  [[nodiscard]] std::vector<BackendCandidate> candidates(const LeaseRequest& request,
                                                         LlmStatus status, bool avoided) const;

  /// In order of registration.
  std::vector<Llm> x_llms;
  std::map<std::string, Group> x_groups;
  std::map<std::string, std::map<LineKey, LeaseRequest>> x_lines;
  std::uint64_t x_next_arrival = 1;
  std::uint32_t x_next_lease = 1;
};

}  // namespace signalbox
