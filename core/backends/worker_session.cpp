#include "core/backends/worker_session.hpp"

#include <algorithm>
#include <set>

#include "core/base/field_text.hpp"
#include "core/base/read_number.hpp"

namespace signalbox {
namespace {

std::string encode(const OfferedLlm& llm) {
  return encode_fields({{"name", llm.name},
                        {"type", llm.type},
                        {"model", llm.model},
                        {"tier", llm.tier},
                        {"pool", llm.pool},
                        {"capacity", std::to_string(llm.capacity)},
                        {"status", std::string{to_string(llm.status)}}});
}

std::optional<OfferedLlm> decode_offered_llm(std::string_view text) {
  const auto fields = decode_fields(text);
  if (!fields) return std::nullopt;
  OfferedLlm llm;
  for (const auto& [name, value] : *fields) {
    if (name == "name") llm.name = value;
    if (name == "type") llm.type = value;
    if (name == "model") llm.model = value;
    if (name == "tier") llm.tier = value;
    if (name == "pool") llm.pool = value;
    if (name == "capacity" && !read_number(value, llm.capacity)) return std::nullopt;
    if (name == "status" && value == to_string(LlmStatus::hibernating)) {
      llm.status = LlmStatus::hibernating;
    }
  }
  return llm;
}

}  // namespace

std::optional<Error> check(const std::vector<OfferedLlm>& llms) {
  if (llms.empty()) return invalid_request("a worker offers at least one LLM", "llms");
  if (llms.size() > session_llms_max)
    return invalid_request("a worker offers at most 64 LLMs", "llms");
  std::set<std::string_view> names;
  for (const OfferedLlm& llm : llms) {
    if (!is_valid_name(llm.name)) {
      return invalid_request("an LLM's name is 1-128 of [A-Za-z0-9._:/@+-]", "llms.name");
    }
    if (!names.insert(llm.name).second) {
      return invalid_request("\"" + llm.name + "\" is there twice", "llms.name");
    }
    if (!llm.pool.empty() && !is_valid_name(llm.pool)) {
      return invalid_request("a pool's name is 1-128 of [A-Za-z0-9._:/@+-]", "llms.pool");
    }
    if (llm.model.empty() || llm.model.size() > 256) {
      return invalid_request("model must be the backend's own id, 1-256 bytes", "llms.model");
    }
    if (llm.tier.size() > 64 || llm.type.size() > 64) {
      return invalid_request("type and tier are at most 64 bytes", "llms.type");
    }
    if (llm.capacity < 1 || llm.capacity > llm_capacity_max) {
      return invalid_request("capacity must be 1 to 10000", "llms.capacity");
    }
  }
  return std::nullopt;
}

std::string encode(const WorkerRegistration& registration) {
  Fields fields{
      {"session", registration.session.to_string()},
      {"owner", registration.owner},
      {"address", registration.address},
      {"registered_at", std::to_string(registration.registered_at.time_since_epoch().count())}};
  for (const OfferedLlm& llm : registration.llms) fields.emplace_back("llm", encode(llm));
  return encode_fields(fields);
}

std::optional<WorkerRegistration> decode_worker_registration(std::string_view text) {
  const auto fields = decode_fields(text);
  if (!fields) return std::nullopt;
  WorkerRegistration registration;
  for (const auto& [name, value] : *fields) {
    if (name == "session") {
      const auto session = SessionId::parse(value);
      if (!session) return std::nullopt;
      registration.session = *session;
    } else if (name == "owner") {
      registration.owner = value;
    } else if (name == "address") {
      registration.address = value;
    } else if (name == "registered_at") {
      std::int64_t ms = 0;
      if (!read_number(value, ms)) return std::nullopt;
      registration.registered_at = WallTime{std::chrono::milliseconds{ms}};
    } else if (name == "llm") {
      auto llm = decode_offered_llm(value);
      if (!llm) return std::nullopt;
      registration.llms.push_back(std::move(*llm));
    }
  }
  if (registration.session.is_nil() || check(registration.llms)) return std::nullopt;
  return registration;
}

std::string_view to_string(SessionState state) {
  switch (state) {
    case SessionState::inactive:
      return "inactive";
    case SessionState::active:
      return "active";
    case SessionState::draining:
      return "draining";
  }
  return "inactive";
}

// -- presence ------------------------------------------------------------------------------------

void WorkerSession::forget_llms(const std::vector<std::string>& names) {
  std::erase_if(x_llms, [&](const OfferedLlm& llm) {
    return std::find(names.begin(), names.end(), llm.name) != names.end();
  });
}

bool WorkerSession::hear(Instant now) {
  x_heard = now;
  if (x_state != SessionState::inactive) return false;
  x_state = SessionState::active;
  return true;
}

bool WorkerSession::set_status(std::string_view llm, LlmStatus status) {
  const auto place = std::find_if(x_llms.begin(), x_llms.end(),
                                  [&](const OfferedLlm& each) { return each.name == llm; });
  if (place == x_llms.end() || place->status == status) return false;
  place->status = status;
  std::erase_if(x_wakes, [&](const OpenWake& open) { return open.wake.llm == llm; });
  return true;
}

std::optional<WorkerSession::ChannelNumber> WorkerSession::bind(ChannelNumber channel,
                                                                Instant now) {
  x_heard = now;
  x_state = SessionState::active;
  return std::exchange(x_channel, channel);
}

bool WorkerSession::unbind(ChannelNumber channel) {
  if (x_channel != channel) return false;
  x_channel.reset();
  x_state = SessionState::inactive;
  return true;
}

void WorkerSession::drain() {
  if (x_state == SessionState::active) x_state = SessionState::draining;
}

bool WorkerSession::expire(Instant now) {
  if (x_state == SessionState::inactive || now < x_heard + x_rules.heartbeat_timeout) return false;
  x_channel.reset();
  x_state = SessionState::inactive;
  return true;
}

std::optional<Instant> WorkerSession::next_deadline() const {
  std::optional<Instant> next;
  if (x_state != SessionState::inactive) next = x_heard + x_rules.heartbeat_timeout;
  for (const OpenWake& open : x_wakes) next = next ? std::min(*next, open.deadline) : open.deadline;
  return next;
}

LlmStatus WorkerSession::status_of(const OfferedLlm& llm) const {
  return x_state == SessionState::inactive ? LlmStatus::inactive : llm.status;
}

std::uint32_t WorkerSession::capacity() const {
  std::uint32_t total = 0;
  for (const OfferedLlm& llm : x_llms) total += llm.capacity;
  return total;
}

// -- work ----------------------------------------------------------------------------------------

void WorkerSession::hold(HeldTask task) {
  const TaskId id = task.id;
  x_held.insert_or_assign(id, std::move(task));
}

const HeldTask* WorkerSession::find(TaskId id, std::optional<std::uint32_t> attempt) const {
  const auto place = x_held.find(id);
  if (place == x_held.end()) return nullptr;
  return attempt && *attempt != place->second.attempt ? nullptr : &place->second;
}

std::vector<HeldTask> WorkerSession::take_held() {
  std::vector<HeldTask> all;
  for (auto& [id, task] : x_held) all.push_back(std::move(task));
  x_held.clear();
  return all;
}

// -- wake ----------------------------------------------------------------------------------------

bool WorkerSession::begin_wake(const std::string& llm, TaskId id, Instant now) {
  const bool sleeps = std::any_of(x_llms.begin(), x_llms.end(), [&](const OfferedLlm& each) {
    return each.name == llm && each.status == LlmStatus::hibernating;
  });
  const bool is_under_way = std::any_of(x_wakes.begin(), x_wakes.end(),
                                        [&](const OpenWake& open) { return open.wake.llm == llm; });
  if (!sleeps || is_under_way || !is_open()) return false;
  x_wakes.push_back({Wake{id, llm}, now + x_rules.wake_timeout});
  return true;
}

std::optional<Wake> WorkerSession::end_wake(TaskId id) {
  const auto place = std::find_if(x_wakes.begin(), x_wakes.end(),
                                  [&](const OpenWake& open) { return open.wake.id == id; });
  if (place == x_wakes.end()) return std::nullopt;
  Wake wake = std::move(place->wake);
  x_wakes.erase(place);
  return wake;
}

std::vector<Wake> WorkerSession::take_failed_wakes(Instant now) {
  std::vector<Wake> failed;
  std::erase_if(x_wakes, [&](OpenWake& open) {
    if (is_open() && now < open.deadline) return false;
    failed.push_back(std::move(open.wake));
    return true;
  });
  return failed;
}

}  // namespace signalbox
