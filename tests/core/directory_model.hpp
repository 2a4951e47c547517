// The oracle for DirectoryBook: plain lists, searched from the start. Answers "who may be given
// this lease now" and "who may be given one at all", so that a test can replay what the book did
// and see whether each step was allowed.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/backends/directory.hpp"

namespace signalbox::test {

struct DirectoryModel {
  struct Group {
    std::uint32_t capacity = 1;
    std::uint32_t running = 0;
  };

  /// In order of registration; a replaced one keeps its place.
  std::vector<Llm> llms;
  std::map<std::string, Group> groups;
  /// In order of arrival.
  std::vector<LeaseRequest> line;
  std::vector<Lease> out;

  std::vector<std::string> put(ExecutorId executor, std::vector<Llm> news) {
    std::vector<std::string> refused;
    for (Llm& each : news) {
      for (const Llm& old : llms) {
        const bool is_taken = old.name == each.name && old.executor != executor;
        if (!is_taken || each.qualified_name.empty()) continue;
        each.name = each.qualified_name;
        break;
      }
    }
    std::erase_if(llms, [&](const Llm& old) {
      const bool stays = std::any_of(news.begin(), news.end(),
                                     [&](const Llm& each) { return each.name == old.name; });
      return old.executor == executor && !stays;
    });
    for (Llm llm : news) {
      llm.executor = executor;
      auto place = std::find_if(llms.begin(), llms.end(),
                                [&](const Llm& old) { return old.name == llm.name; });
      if (place != llms.end() && place->executor != executor) {
        refused.push_back(llm.name);
        continue;
      }
      groups[llm.group].capacity = std::max(llm.capacity, 1U);
      if (place == llms.end())
        llms.push_back(llm);
      else
        *place = llm;
    }
    return refused;
  }

  /// Whether `llm` would do for `request`, busy or not.
  static bool fits(const LeaseRequest& request, const Llm& llm, LlmStatus status, bool avoided) {
    const auto& avoid = request.avoid;
    const bool is_avoided = std::find(avoid.begin(), avoid.end(), llm.name) != avoid.end();
    return llm.status == status && llm.pool_key() == request.target && is_avoided == avoided;
  }

  [[nodiscard]] const Llm* best(const LeaseRequest& request, LlmStatus status, bool avoided) const {
    const Llm* found = nullptr;
    double found_share = 1;
    for (const Llm& llm : llms) {
      if (!fits(request, llm, status, avoided)) continue;
      const Group& group = groups.at(llm.group);
      const double share = static_cast<double>(group.running) / group.capacity;
      if (share >= found_share) continue;
      found = &llm;
      found_share = share;
    }
    return found;
  }

  [[nodiscard]] bool exists(const LeaseRequest& request, LlmStatus status, bool avoided) const {
    return std::any_of(llms.begin(), llms.end(),
                       [&](const Llm& llm) { return fits(request, llm, status, avoided); });
  }

  /// @returns the name of the LLM that `request` is to be given now, or nothing.
  [[nodiscard]] std::optional<std::string> choice(const LeaseRequest& request) const {
    const auto name = [](const Llm* llm) {
      return llm == nullptr ? std::nullopt : std::optional{llm->name};
    };
    // Fresh and active ones, busy or not, leave no reason to look further.
    if (exists(request, LlmStatus::active, false))
      return name(best(request, LlmStatus::active, false));
    if (exists(request, LlmStatus::active, true))
      return name(best(request, LlmStatus::active, true));
    if (!request.accept_inactive) return std::nullopt;
    if (const Llm* llm = best(request, LlmStatus::inactive, false)) return name(llm);
    return name(best(request, LlmStatus::inactive, true));
  }

  void take(const Lease& lease) {
    ++groups.at(lease.group).running;
    out.push_back(lease);
  }

  void give_back(std::size_t index) {
    --groups.at(out[index].group).running;
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(index));
  }

  /// Who stands there already keeps its place.
  void stand_in_line(const LeaseRequest& request) {
    const auto place = std::find_if(line.begin(), line.end(), [&](const LeaseRequest& each) {
      return each.requester == request.requester && each.target == request.target;
    });
    if (place == line.end()) {
      line.push_back(request);
    } else {
      *place = request;
    }
  }

  void withdraw(const RequesterId& requester, const std::string& target) {
    std::erase_if(line, [&](const LeaseRequest& each) {
      return each.requester == requester && each.target == target;
    });
  }
};

/// A book and its oracle, driven together. Every call returns what went wrong, empty when nothing
/// did.
struct DirectoryPair {
  DirectoryBook book;
  DirectoryModel model;

  std::string check_lease(const LeaseRequest& request, const Lease& lease) {
    const auto right = model.choice(request);
    if (!right) return "a lease was granted where there is none";
    if (lease.llm != *right) return "leased " + lease.llm + ", not " + *right;
    const auto& llms = model.llms;
    const auto place = std::find_if(llms.begin(), llms.end(),
                                    [&](const Llm& each) { return each.name == lease.llm; });
    if (lease.executor != place->executor || lease.group != place->group ||
        lease.model != place->model) {
      return "the lease does not describe its LLM";
    }
    for (const Lease& each : model.out) {
      if (each.number >= lease.number) return "the lease's number does not rise";
    }
    model.take(lease);
    return {};
  }

  std::string acquire(const LeaseRequest& request) {
    const auto lease = book.acquire(request);
    if (lease) {
      model.withdraw(request.requester, request.target);
      return check_lease(request, *lease);
    }
    if (model.choice(request)) return "a lease was refused where there is one";
    model.stand_in_line(request);
    return {};
  }

  std::string put(ExecutorId executor, const std::vector<Llm>& llms) {
    return book.put_llms(executor, llms) == model.put(executor, llms) ? "" : "refused others";
  }

  void remove(ExecutorId executor) {
    book.remove_executor(executor);
    std::erase_if(model.llms, [&](const Llm& each) { return each.executor == executor; });
  }

  std::string set_status(ExecutorId executor, LlmStatus status) {
    bool has_changed = false;
    for (Llm& llm : model.llms) {
      if (llm.executor != executor || llm.status == status) continue;
      llm.status = status;
      has_changed = true;
    }
    const bool said = book.set_status(executor, status, WallTime{std::chrono::seconds{1}});
    return said == has_changed ? "" : "set_status lies about the change";
  }

  void withdraw(const RequesterId& requester, const std::string& target) {
    book.withdraw(requester, target);
    model.withdraw(requester, target);
  }

  void release(std::size_t index) {
    book.release(model.out[index]);
    model.give_back(index);
  }

  std::string serve_line() {
    for (const LeaseGrant& grant : book.serve_line()) {
      const auto place = std::find_if(model.line.begin(), model.line.end(), [&](const auto& each) {
        return each.requester == grant.requester && each.target == grant.target;
      });
      if (place == model.line.end()) return "granted to one who does not stand in line";
      const LeaseRequest request = *place;
      for (auto other = model.line.begin(); other != model.line.end(); ++other) {
        if (other->target != request.target || !model.choice(*other)) continue;
        const bool is_better = other->priority < request.priority ||
                               (other->priority == request.priority && other < place);
        if (is_better) return "served " + request.requester + " before " + other->requester;
      }
      model.line.erase(place);
      if (auto fault = check_lease(request, grant.lease); !fault.empty()) return fault;
    }
    for (const LeaseRequest& request : model.line) {
      if (model.choice(request))
        return "left " + request.requester + " in line beside a free backend";
    }
    return find_fault();
  }

  [[nodiscard]] std::string find_fault() const {
    if (book.running_total() != model.out.size()) return "running_total differs";
    const auto table = book.table();
    if (table.llms.size() != model.llms.size()) return "table differs in length";
    for (std::size_t index = 0; index < table.llms.size(); ++index) {
      const Llm& found = table.llms[index];
      const Llm& right = model.llms[index];
      const auto& group = model.groups.at(right.group);
      if (found.name != right.name || found.executor != right.executor ||
          found.status != right.status || found.pool != right.pool) {
        return "table differs at " + right.name;
      }
      if (found.running != group.running || found.capacity != group.capacity) {
        return "load differs at " + right.name;
      }
    }
    return {};
  }
};

}  // namespace signalbox::test
