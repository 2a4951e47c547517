#include "core/directory.hpp"

#include <algorithm>

namespace signalbox {

bool DirectoryBook::is_owned_by_other(const std::string& name, ExecutorId executor) const {
  return std::any_of(x_llms.begin(), x_llms.end(),
                     [&](const Llm& llm) { return llm.name == name && llm.executor != executor; });
}

std::vector<std::string> DirectoryBook::put_llms(ExecutorId executor, std::vector<Llm> llms) {
  std::vector<std::string> refused;
  for (Llm& llm : llms) {
    if (!llm.qualified_name.empty() && is_owned_by_other(llm.name, executor)) {
      llm.name = llm.qualified_name;
    }
  }
  std::erase_if(x_llms, [&](const Llm& old) {
    return old.executor == executor && std::none_of(llms.begin(), llms.end(), [&](const Llm& llm) {
             return llm.name == old.name;
           });
  });
  for (Llm& llm : llms) {
    llm.executor = executor;
    const auto place = std::find_if(x_llms.begin(), x_llms.end(),
                                    [&](const Llm& old) { return old.name == llm.name; });
    if (place != x_llms.end() && place->executor != executor) {
      refused.push_back(llm.name);
      continue;
    }
    x_groups[llm.group].capacity = std::max<std::uint32_t>(llm.capacity, 1);
    if (place == x_llms.end()) {
      x_llms.push_back(std::move(llm));
    } else {
      *place = std::move(llm);
    }
  }
  return refused;
}

void DirectoryBook::remove_executor(ExecutorId executor) {
  std::erase_if(x_llms, [&](const Llm& llm) { return llm.executor == executor; });
}

bool DirectoryBook::set_status(ExecutorId executor, LlmStatus status, WallTime at) {
  bool has_changed = false;
  for (Llm& llm : x_llms) {
    if (llm.executor != executor || llm.status == status) continue;
    llm.status = status;
    llm.inactive_since = status == LlmStatus::inactive ? at : WallTime{};
    has_changed = true;
  }
  return has_changed;
}

std::vector<BackendCandidate> DirectoryBook::candidates(const LeaseRequest& request,
                                                        LlmStatus status, bool avoided) const {
  std::vector<BackendCandidate> found;
  for (std::size_t index = 0; index < x_llms.size(); ++index) {
    const Llm& llm = x_llms[index];
    if (llm.status != status || llm.pool_key() != request.target) continue;
    const bool is_avoided =
        std::find(request.avoid.begin(), request.avoid.end(), llm.name) != request.avoid.end();
    if (is_avoided != avoided) continue;
    const Group& group = x_groups.at(llm.group);
    found.push_back({index, group.running, group.capacity});
  }
  return found;
}

std::optional<Lease> DirectoryBook::try_lease(const LeaseRequest& request) {
  const auto choose = [&](LlmStatus status, bool avoided) -> std::optional<Lease> {
    const auto all = candidates(request, status, avoided);
    const auto chosen = choose_least_loaded(all);
    if (!chosen) return std::nullopt;
    const Llm& llm = x_llms[all[*chosen].llm_index];
    ++x_groups.at(llm.group).running;
    return Lease{llm.executor, llm.name, llm.model, llm.group, x_next_lease++};
  };
  if (auto lease = choose(LlmStatus::active, false)) return lease;
  // The one that just failed is next only if no other is there at all; a busy one is worth the
  // wait.
  const bool has_other = !candidates(request, LlmStatus::active, false).empty();
  if (has_other || request.avoid.empty()) {
    if (has_other || !request.accept_inactive) return std::nullopt;
    return choose(LlmStatus::inactive, false);
  }
  if (auto lease = choose(LlmStatus::active, true)) return lease;
  if (!request.accept_inactive) return std::nullopt;
  if (auto lease = choose(LlmStatus::inactive, false)) return lease;
  return choose(LlmStatus::inactive, true);
}

std::optional<Lease> DirectoryBook::acquire(LeaseRequest request) {
  withdraw(request.requester, request.target);
  if (auto lease = try_lease(request)) return lease;
  auto& line = x_lines[request.target];
  const LineKey key{request.priority, x_next_arrival++};
  line.emplace(key, std::move(request));
  return std::nullopt;
}

void DirectoryBook::withdraw(const RequesterId& requester, const std::string& target) {
  const auto place = x_lines.find(target);
  if (place == x_lines.end()) return;
  std::erase_if(place->second,
                [&](const auto& entry) { return entry.second.requester == requester; });
  if (place->second.empty()) x_lines.erase(place);
}

void DirectoryBook::release(const Lease& lease) {
  const auto place = x_groups.find(lease.group);
  SIGNALBOX_ASSERT(place != x_groups.end() && place->second.running > 0);
  --place->second.running;
}

std::vector<LeaseGrant> DirectoryBook::serve_line() {
  // Over all targets at once, since several may share one group.
  std::map<LineKey, std::string> in_order;
  for (const auto& [target, line] : x_lines) {
    for (const auto& [key, request] : line) in_order.emplace(key, target);
  }
  std::vector<LeaseGrant> grants;
  for (const auto& [key, target] : in_order) {
    const auto line = x_lines.find(target);
    const auto entry = line->second.find(key);
    auto lease = try_lease(entry->second);
    if (!lease) continue;
    grants.push_back({entry->second.requester, target, std::move(*lease)});
    line->second.erase(entry);
    if (line->second.empty()) x_lines.erase(line);
  }
  return grants;
}

RoutingTable DirectoryBook::table() const {
  RoutingTable table{x_llms};
  for (Llm& llm : table.llms) {
    const Group& group = x_groups.at(llm.group);
    llm.capacity = group.capacity;
    llm.running = group.running;
  }
  return table;
}

CapacityList DirectoryBook::capacities(const std::string& target) const {
  std::map<std::string, std::uint32_t> groups;
  for (const Llm& llm : x_llms) {
    if (llm.pool_key() != target || llm.status == LlmStatus::inactive) continue;
    groups[llm.group] = x_groups.at(llm.group).capacity;
  }
  return {groups.begin(), groups.end()};
}

std::uint64_t DirectoryBook::running_total() const {
  std::uint64_t total = 0;
  for (const auto& [name, group] : x_groups) total += group.running;
  return total;
}

}  // namespace signalbox
