#include "core/backends/push_worker.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/backends/worker_session.hpp"

namespace signalbox {
namespace {

constexpr std::array status_words{
    std::pair{PushStatus::starting, "starting"}, std::pair{PushStatus::ready, "ready"},
    std::pair{PushStatus::busy, "busy"}, std::pair{PushStatus::stopped, "stopped"},
    std::pair{PushStatus::stale, "stale"}};

constexpr std::size_t text_bytes_max = 200;
constexpr std::size_t host_bytes_max = 253;

/// A heartbeat may have been on its way while our call ended: `busy` then spoke of that call.
constexpr std::chrono::seconds own_call_echo{2};

bool is_there(PushStatus status) {
  return status == PushStatus::ready || status == PushStatus::busy;
}

/// Later ones say more of a worker than earlier ones.
int weight(PushStatus status) {
  constexpr std::array order{PushStatus::stopped, PushStatus::stale, PushStatus::starting,
                             PushStatus::ready, PushStatus::busy};
  return static_cast<int>(std::find(order.begin(), order.end(), status) - order.begin());
}

}  // namespace

std::string_view to_string(PushStatus status) {
  for (const auto& [each, word] : status_words) {
    if (each == status) return word;
  }
  return "stale";
}

std::optional<PushStatus> parse_push_status(std::string_view word) {
  for (const auto& [status, each] : status_words) {
    if (each == word && status != PushStatus::stale) return status;
  }
  return std::nullopt;
}

std::optional<Error> check(const PushHeartbeat& heartbeat) {
  const auto refuse = [](std::string message, const char* param) {
    return invalid_request(std::move(message), std::string{"worker."} + param);
  };
  for (const auto& [name, text] :
       {std::pair{"id", &heartbeat.id}, std::pair{"model_id", &heartbeat.model}}) {
    if (!is_valid_name(*text)) {
      return refuse(std::string{name} + " must be 1-128 of [A-Za-z0-9._:/@+-]", name);
    }
  }
  for (const auto& [name, text] : {std::pair{"device", &heartbeat.device},
                                   std::pair{"implementation", &heartbeat.implementation},
                                   std::pair{"version", &heartbeat.version}}) {
    if (text->size() > text_bytes_max) {
      return refuse(std::string{name} + " must be at most 200 bytes", name);
    }
  }
  if (heartbeat.host.empty() || heartbeat.host.size() > host_bytes_max) {
    return refuse("host must be a name or an address", "host");
  }
  if (heartbeat.port == 0) return refuse("port must be 1 to 65535", "port");
  if (heartbeat.capacity == 0 || heartbeat.capacity > llm_capacity_max) {
    return refuse("capacity must be 1 to 10000", "capacity");
  }
  return std::nullopt;
}

std::optional<Error> PushWorker::hear(const PushHeartbeat& heartbeat, Instant now, WallTime at) {
  const bool is_new = !x_models.contains(heartbeat.model);
  if (is_new && x_models.size() >= push_models_max) {
    // One that it has stopped serving makes room.
    const auto unused = std::find_if(x_models.begin(), x_models.end(), [](const auto& entry) {
      return !is_there(entry.second.status) && entry.second.status != PushStatus::starting;
    });
    if (unused == x_models.end()) {
      return invalid_request("a worker serves at most 64 models", "worker.model_id");
    }
    x_models.erase(unused);
  }
  Model& model = x_models[heartbeat.model];
  model.status = heartbeat.status;
  model.heard = now;
  const bool is_echo =
      x_in_flight > 0 || (x_done + x_failed > 0 && now < x_last_end + own_call_echo);
  model.is_full = heartbeat.status == PushStatus::busy && !is_echo;
  x_is_unreachable = false;
  x_latest = heartbeat;
  x_heard_at = at;
  if (x_first_heard_at == WallTime{}) x_first_heard_at = at;
  note_presence(at);
  return std::nullopt;
}

void PushWorker::note_presence(WallTime at) {
  const bool is_here = std::any_of(x_models.begin(), x_models.end(), [](const auto& entry) {
    return is_there(entry.second.status) || entry.second.status == PushStatus::starting;
  });
  if (is_here) {
    x_gone_since = {};
  } else if (x_gone_since == WallTime{}) {
    x_gone_since = at;
  }
}

bool PushWorker::expire(Instant now, WallTime at) {
  bool has_changed = false;
  for (auto& [name, model] : x_models) {
    const bool can_expire =
        model.status != PushStatus::stopped && model.status != PushStatus::stale;
    if (!can_expire || now < model.heard + x_silence_max) continue;
    model.status = PushStatus::stale;
    has_changed = true;
  }
  if (has_changed) note_presence(at);
  return has_changed;
}

std::optional<Instant> PushWorker::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [name, model] : x_models) {
    if (model.status == PushStatus::stopped || model.status == PushStatus::stale) continue;
    const Instant due = model.heard + x_silence_max;
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

bool PushWorker::call_ended(bool is_done, bool is_unreachable, Instant now) {
  if (x_in_flight > 0) --x_in_flight;
  ++(is_done ? x_done : x_failed);
  x_last_end = now;
  return std::exchange(x_is_unreachable, is_unreachable) != is_unreachable;
}

std::vector<Llm> PushWorker::llms() const {
  std::vector<Llm> llms;
  const bool is_ipv6 = x_latest.host.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? "[" + x_latest.host + "]" : x_latest.host;
  for (const auto& [name, model] : x_models) {
    Llm llm;
    llm.name = name;
    llm.qualified_name = x_latest.id + "/" + name;
    llm.kind = LlmKind::worker;
    llm.type = "push";
    llm.model = name;
    llm.pool = name;
    llm.status =
        is_there(model.status) && !x_is_unreachable ? LlmStatus::active : LlmStatus::inactive;
    llm.capacity = x_latest.capacity;
    llm.is_full = model.is_full;
    llm.group = "push " + x_latest.id;
    llm.session = x_latest.id;
    llm.url = "http://" + host + ":" + std::to_string(x_latest.port);
    llm.last_heartbeat_at = x_heard_at;
    llm.inactive_since = x_gone_since;
    llms.push_back(std::move(llm));
  }
  return llms;
}

PushStatus PushWorker::status() const {
  PushStatus most = PushStatus::stopped;
  for (const auto& [name, model] : x_models) {
    if (weight(model.status) > weight(most)) most = model.status;
  }
  return most;
}

std::vector<std::string> PushWorker::models() const {
  std::vector<std::string> names;
  for (const auto& [name, model] : x_models) names.push_back(name);
  return names;
}

}  // namespace signalbox
