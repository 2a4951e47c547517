// Slots that apps hold for calls of their own: told once, held as long as they are renewed, given
// back whatever becomes of the holder (I1, I9, I11). Bounds, order and counts are the same as for
// tasks, among whom they stand.
#include "simulations/campaign/invariants.hpp"

namespace signalbox::sim {
namespace {

std::string name_of(const SlotPicture& slot) {
  return "slot " + slot.asked.slot.to_string();
}

std::uint32_t to_ms(Duration time) {
  return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
}

/// What the row of a task would say that stands in line as the slot does.
Task turn_of(const AskedSlot& slot, const ClientSpec& client, const ProfileSettings& usual) {
  Task row;
  row.id = TaskId{slot.slot.bytes};
  row.profile = client.profile;
  row.priority = client.priority;
  row.owner = client.owner;
  row.attended = true;
  row.state = TaskState::pending;
  row.queue_wait_ms = to_ms(client.queue_wait.value_or(from_seconds(usual.default_queue_wait_s)));
  row.inference_ms = to_ms(client.inference.value_or(from_seconds(usual.default_inference_s)));
  return row;
}

}  // namespace

const TaskPicture& Invariants::waiter(TaskId id) const {
  const auto slot = x_slots.find(id);
  return slot == x_slots.end() ? x_tasks.at(id) : slot->second.turn;
}

// -- what apps do
// -----------------------------------------------------------------------------------

void Invariants::slot_asked(const AskedSlot& asked, Duration now) {
  pass_time(now);
  const ClientSpec& client = x_scenario.clients[asked.client];
  const TaskId id{asked.slot.bytes};
  SlotPicture& slot = x_slots[id];
  slot.asked = asked;
  slot.lease = client.slot->lease;
  slot.turn.row =
      std::make_shared<const Task>(turn_of(asked, client, x_profiles[client.profile].settings));
  slot.turn.first_pending_at = now;
  enter(id, slot.turn, TaskState::pending);
  x_turn_of[asked.number] = id;
  x_new_slots.push_back(id);
}

void Invariants::slot_renewed(actors::CallNumber call, Duration now) {
  pass_time(now);
  const auto turn = x_turn_of.find(call);
  if (turn == x_turn_of.end()) return;
  SlotPicture& slot = x_slots.at(turn->second);
  slot.lapses_at = now + slot.lease;
  if (now < slot.lapses_from) slot.lapses_from = slot.lapses_at;
  hit(Probe::slot_renewed);
}

void Invariants::slot_released(actors::CallNumber call, CallStatus outcome, Duration now) {
  pass_time(now);
  const auto turn = x_turn_of.find(call);
  if (turn == x_turn_of.end()) return;
  SlotPicture& slot = x_slots.at(turn->second);
  if (!slot.released_at) slot.outcome = outcome;
  slot.released_at = now;
  if (!slot.turn.granted_at) hit(Probe::slot_cancelled_in_line);
}

void Invariants::slot_dropped(actors::CallNumber call, Duration now) {
  pass_time(now);
  const auto turn = x_turn_of.find(call);
  if (turn == x_turn_of.end()) return;
  SlotPicture& slot = x_slots.at(turn->second);
  slot.released_at = now;
  hit(slot.turn.granted_at ? Probe::slot_holder_died : Probe::slot_left_in_line);
}

// -- what they are told
// -----------------------------------------------------------------------------

SlotPicture* Invariants::hear_slot(actors::CallNumber call, const char* what) {
  require(!x_ended_slots.contains(call), 11,
          "slot of call " + std::to_string(call) + " had ended and was told " + what);
  const auto turn = x_turn_of.find(call);
  if (turn == x_turn_of.end()) {
    require(false, 11, "call " + std::to_string(call) + " has no slot and was told " + what);
    return nullptr;
  }
  return &x_slots.at(turn->second);
}

void Invariants::slot_admitted(const actors::SlotAdmitted& message, Duration now) {
  pass_time(now);
  SlotPicture* slot = hear_slot(message.call, "that it is admitted");
  if (slot == nullptr) return;
  require(!slot->turn.granted_at, 1, name_of(*slot) + " was admitted twice");
  require(message.status.request.id == slot->asked.slot, 1,
          name_of(*slot) + " was told of another slot");
  const TaskId id{slot->asked.slot.bytes};
  ProfilePicture& profile = x_profiles[slot->turn.row->profile];
  if (profile.pending.erase(id) > 0) {
    x_left_line.emplace_back(slot->turn.row->profile, slot->turn.row->priority);
  }
  Task row = *slot->turn.row;
  row.state = TaskState::running;
  slot->turn.row = std::make_shared<const Task>(std::move(row));
  slot->turn.granted_at = now;
  slot->lapses_from = slot->lapses_at = now + slot->lease;
  profile.held.insert(id);
  ++profile.held_by_apps;
  profile.has_granted = true;
  note_passed_over(id, slot->turn);
}

void Invariants::slot_ended(const actors::SlotEnded& message, Duration now) {
  pass_time(now);
  SlotPicture* slot = hear_slot(message.call, "its end");
  if (slot == nullptr) return;
  check_slot_end(*slot, message.error);
  leave_slot(*slot, message.error.code != ErrorCode::queue_full);
  const bool is_given_back = message.error.code == ErrorCode::none;
  if (is_given_back) hit(Probe::slot_given_back);
  const CallStatus status = is_given_back ? slot->outcome : call_status_for(message.error.code);
  ++x_slot_ends[static_cast<std::size_t>(status)];
  x_ended_slots.insert(message.call);
  const TaskId id{slot->asked.slot.bytes};
  x_turn_of.erase(message.call);
  x_slots.erase(id);
}

void Invariants::check_slot_end(const SlotPicture& slot, const Error& error) {
  const Task& row = *slot.turn.row;
  const auto is_over = [&](Duration since, std::int64_t budget_ms) {
    return x_now >= since + std::chrono::milliseconds{budget_ms};
  };
  switch (error.code) {
    case ErrorCode::queue_full:
      hit(Probe::slot_refused);
      x_refusals.push_back({name_of(slot), row.profile, row.priority});
      require(!slot.turn.granted_at, 1, name_of(slot) + " was refused when it was held");
      return;
    case ErrorCode::queue_wait_timeout:
      hit(Probe::slot_waited_in_vain);
      require(!slot.turn.granted_at && is_over(slot.turn.pending_at, row.queue_wait_ms), 9,
              name_of(slot) + " was sent away before its queue budget was over");
      return;
    case ErrorCode::inference_timeout:
      hit(Probe::slot_taken_back);
      require(slot.turn.granted_at && is_over(*slot.turn.granted_at, row.inference_ms), 9,
              name_of(slot) + " was taken back before its inference budget was over");
      return;
    case ErrorCode::slot_not_found:
      hit(Probe::slot_lapsed);
      require(slot.turn.granted_at && slot.lease > Duration::zero() && x_now >= slot.lapses_from, 9,
              name_of(slot) + " lapsed before its lease was over");
      return;
    case ErrorCode::draining:
      require(x_is_draining, 1, name_of(slot) + " was refused though nothing drains");
      return;
    default:
      // It was given back, or nobody needs it any more.
      require(
          slot.released_at.has_value(), 1,
          name_of(slot) + " ended as " + std::string{to_string(error.code)} + " without a reason");
      return;
  }
}

// -- places
// -----------------------------------------------------------------------------------------

void Invariants::leave_slot(const SlotPicture& slot, bool was_in) {
  const TaskId id{slot.asked.slot.bytes};
  ProfilePicture& profile = x_profiles[slot.turn.row->profile];
  if (profile.pending.erase(id) > 0 && was_in) {
    x_left_line.emplace_back(slot.turn.row->profile, slot.turn.row->priority);
  }
  if (profile.held.erase(id) == 0) return;
  --profile.held_by_apps;
  note_freed(profile, slot.turn);
}

// Only those that were let in count for the bound.
void Invariants::note_new_slots() {
  for (const TaskId id : std::exchange(x_new_slots, {})) {
    const auto slot = x_slots.find(id);
    if (slot == x_slots.end()) continue;
    const Task& row = *slot->second.turn.row;
    x_profiles[row.profile].has_new[to_index(row.priority)] = true;
  }
}

void Invariants::check_slots() {
  for (auto& [id, slot] : x_slots) {
    require(!slot.released_at, 11, name_of(slot) + " is there though it was given back, or left");
    const bool has_lease = slot.turn.granted_at && slot.lease > Duration::zero();
    require(!has_lease || x_now <= slot.lapses_at, 9, name_of(slot) + " is held beyond its lease");
    slot.lapses_from = slot.lapses_at;
  }
}

// What a process held dies with it; nobody is told.
void Invariants::lose_slots() {
  for (const auto& [id, slot] : x_slots) {
    if (slot.turn.granted_at) hit(Probe::slot_lost_in_crash);
  }
  x_slots.clear();
  x_turn_of.clear();
  x_new_slots.clear();
}

}  // namespace signalbox::sim
