#include "persistence/task_record.hpp"

#include <cstddef>

#include "persistence/record_fields.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::uint8_t flag_streaming = 1;
constexpr std::uint8_t flag_fail_fast = 2;
constexpr std::uint8_t flag_attended = 4;
constexpr std::uint8_t flags_known = flag_streaming | flag_fail_fast | flag_attended;

void write_attempt(RecordWriter& out, const Attempt& attempt) {
  out.number(attempt.number);
  out.text(attempt.backend);
  out.text(attempt.claimed_by);
  out.time(attempt.claimed_at);
  out.time(attempt.ended_at);
  out.byte(static_cast<std::uint8_t>(attempt.outcome));
  out.byte(static_cast<std::uint8_t>(attempt.error_code));
}

void write_fields(RecordWriter& out, const Task& task) {
  out.id(task.id.bytes);
  out.byte(static_cast<std::uint8_t>(task.state));
  out.byte(static_cast<std::uint8_t>(task.kind));
  out.byte(static_cast<std::uint8_t>(task.priority));
  out.byte(static_cast<std::uint8_t>((task.streaming ? flag_streaming : 0) |
                                     (task.fail_fast ? flag_fail_fast : 0) |
                                     (task.attended ? flag_attended : 0)));
  for (const std::string* text :
       {&task.pool, &task.llm, &task.model, &task.tier, &task.profile, &task.owner, &task.agent,
        &task.description, &task.request_id, &task.traceparent, &task.metadata}) {
    out.text(*text);
  }
  out.signed_number(task.queue_wait_ms);
  out.signed_number(task.inference_ms);
  out.text(task.claimed_by);
  out.number(task.epoch);
  out.number(task.attempts);
  out.number(task.losses);
  out.time(task.created_at);
  out.time(task.claimed_at);
  out.time(task.stream_started_at);
  out.time(task.completed_at);
  out.byte(static_cast<std::uint8_t>(task.error_code));
  out.text(task.error_message);
  out.signed_number(task.backend_status);
  out.text(task.response_type);
  out.text(task.idempotency_hash);
  out.text(task.request_hash);
  out.text(task.backend);
  out.number(task.attempt_log.size());
  for (const Attempt& attempt : task.attempt_log) write_attempt(out, attempt);
  out.number(task.preemptions);
}

Task read_fields_v1(RecordReader& in) {
  Task task;
  task.id.bytes = in.id();
  task.state = in.enumerator(TaskState::cancelled);
  task.kind = in.enumerator(TaskKind::native_chat);
  task.priority = in.enumerator(Priority::background);
  const std::uint8_t flags = in.flags(flags_known);
  task.streaming = (flags & flag_streaming) != 0;
  task.fail_fast = (flags & flag_fail_fast) != 0;
  task.attended = (flags & flag_attended) != 0;
  for (std::string* text :
       {&task.pool, &task.llm, &task.model, &task.tier, &task.profile, &task.owner, &task.agent,
        &task.description, &task.request_id, &task.traceparent, &task.metadata}) {
    *text = in.text();
  }
  task.queue_wait_ms = in.signed_number();
  task.inference_ms = in.signed_number();
  task.claimed_by = in.text();
  task.epoch = in.number();
  task.attempts = in.number32();
  task.losses = in.number32();
  task.created_at = in.time();
  task.claimed_at = in.time();
  task.stream_started_at = in.time();
  task.completed_at = in.time();
  task.error_code = in.enumerator(static_cast<ErrorCode>(error_code_max));
  task.error_message = in.text();
  task.backend_status = in.signed_number32();
  task.response_type = in.text();
  task.idempotency_hash = in.text();
  task.request_hash = in.text();
  return task;
}

/// @param last the largest outcome that the version has.
Attempt read_attempt(RecordReader& in, Attempt::Outcome last) {
  Attempt attempt;
  attempt.number = in.number32();
  attempt.backend = in.text();
  attempt.claimed_by = in.text();
  attempt.claimed_at = in.time();
  attempt.ended_at = in.time();
  attempt.outcome = in.enumerator(last);
  attempt.error_code = in.enumerator(static_cast<ErrorCode>(error_code_max));
  return attempt;
}

Task read_fields_v2(RecordReader& in, Attempt::Outcome last = Attempt::Outcome::cancelled) {
  Task task = read_fields_v1(in);
  task.backend = in.text();
  const std::size_t entries = in.count(attempt_log_max);
  task.attempt_log.reserve(entries);
  for (std::size_t index = 0; index < entries; ++index) {
    task.attempt_log.push_back(read_attempt(in, last));
  }
  return task;
}

Task read_fields_v3(RecordReader& in) {
  Task task = read_fields_v2(in, Attempt::Outcome::preempted);
  task.preemptions = in.number32();
  return task;
}

Task read_fields(RecordReader& in, std::uint8_t version) {
  if (version == 1) return read_fields_v1(in);
  return version == 2 ? read_fields_v2(in) : read_fields_v3(in);
}

}  // namespace

void encode_task(const Task& task, std::string& record) {
  record.clear();
  RecordWriter out{record};
  out.byte(task_record_version);
  write_fields(out, task);
  seal_record(record);
}

Result<Task> decode_task(std::string_view record) {
  const auto opened = open_record("task", record, task_record_version);
  if (!opened) return opened.error();
  RecordReader in{opened->fields};
  Task task = read_fields(in, opened->version);
  if (auto error = unread("task", in)) return std::move(*error);
  return task;
}

}  // namespace signalbox::persistence
