#include "persistence/task_record.hpp"

#include <cstddef>
#include <cstring>

#include "persistence/big_endian.hpp"
#include "persistence/checksum.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::size_t checksum_bytes = 4;
constexpr std::uint8_t flag_streaming = 1;
constexpr std::uint8_t flag_fail_fast = 2;
constexpr std::uint8_t flag_attended = 4;
constexpr std::uint8_t flags_known = flag_streaming | flag_fail_fast | flag_attended;

/// Numbers are base-128 varints (least significant group first), signed ones zigzag; strings are
/// length and bytes.
class Writer {
 public:
  explicit Writer(std::string& out) : x_out_{out} {}

  void byte(std::uint8_t value) { x_out_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) byte(static_cast<std::uint8_t>(value | 0x80U));
    byte(static_cast<std::uint8_t>(value));
  }
  void signed_number(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    number((bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  void time(WallTime value) { signed_number(value.time_since_epoch().count()); }
  void text(std::string_view value) {
    number(value.size());
    x_out_.append(value);
  }
  void id(const IdBytes& value) {
    x_out_.append(reinterpret_cast<const char*>(value.data()), value.size());
  }

 private:
  std::string& x_out_;
};

/// Takes values off the front. After the first one that is not there, everything reads as zero and
/// ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : x_rest_{bytes} {}

  [[nodiscard]] bool ok() const { return x_ok_; }
  [[nodiscard]] bool at_end() const { return x_rest_.empty(); }

  std::uint8_t byte() {
    if (x_rest_.empty()) return fail<std::uint8_t>();
    const auto value = static_cast<std::uint8_t>(x_rest_.front());
    x_rest_.remove_prefix(1);
    return value;
  }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t group = byte();
      // The tenth group has room for one bit; a last group of zero would be a second spelling of
      // the same number.
      if (shift == 63 && group > 1) return fail<std::uint64_t>();
      if (shift > 0 && group == 0) return fail<std::uint64_t>();
      value |= static_cast<std::uint64_t>(group & 0x7FU) << shift;
      if ((group & 0x80U) == 0) return value;
    }
    return fail<std::uint64_t>();
  }

  std::uint32_t number32() {
    const std::uint64_t value = number();
    return value <= UINT32_MAX ? static_cast<std::uint32_t>(value) : fail<std::uint32_t>();
  }

  std::size_t count(std::size_t max) {
    const std::uint64_t value = number();
    return value <= max ? static_cast<std::size_t>(value) : fail<std::size_t>();
  }

  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1U));
  }

  std::int32_t signed_number32() {
    const std::int64_t value = signed_number();
    if (value < INT32_MIN || value > INT32_MAX) return fail<std::int32_t>();
    return static_cast<std::int32_t>(value);
  }

  WallTime time() { return WallTime{std::chrono::milliseconds{signed_number()}}; }

  std::string text() {
    const std::uint64_t size = number();
    if (size > x_rest_.size()) return fail<std::string>();
    std::string value{x_rest_.substr(0, size)};
    x_rest_.remove_prefix(size);
    return value;
  }

  IdBytes id() {
    IdBytes value{};
    if (value.size() > x_rest_.size()) return fail<IdBytes>();
    std::memcpy(value.data(), x_rest_.data(), value.size());
    x_rest_.remove_prefix(value.size());
    return value;
  }

  /// @param last the largest number of the enumeration.
  template <class Enum>
  Enum enumerator(Enum last) {
    const std::uint8_t value = byte();
    return value <= static_cast<std::uint8_t>(last) ? static_cast<Enum>(value) : fail<Enum>();
  }

  std::uint8_t flags(std::uint8_t known) {
    const std::uint8_t value = byte();
    return (value & ~known) == 0 ? value : fail<std::uint8_t>();
  }

 private:
  template <class T>
  T fail() {
    x_ok_ = false;
    x_rest_ = {};
    return T{};
  }

  std::string_view x_rest_;
  bool x_ok_ = true;
};

void write_attempt(Writer& out, const Attempt& attempt) {
  out.number(attempt.number);
  out.text(attempt.backend);
  out.text(attempt.claimed_by);
  out.time(attempt.claimed_at);
  out.time(attempt.ended_at);
  out.byte(static_cast<std::uint8_t>(attempt.outcome));
  out.byte(static_cast<std::uint8_t>(attempt.error_code));
}

void write_fields(Writer& out, const Task& task) {
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
}

Task read_fields_v1(Reader& in) {
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

Attempt read_attempt(Reader& in) {
  Attempt attempt;
  attempt.number = in.number32();
  attempt.backend = in.text();
  attempt.claimed_by = in.text();
  attempt.claimed_at = in.time();
  attempt.ended_at = in.time();
  attempt.outcome = in.enumerator(Attempt::Outcome::cancelled);
  attempt.error_code = in.enumerator(static_cast<ErrorCode>(error_code_max));
  return attempt;
}

Task read_fields_v2(Reader& in) {
  Task task = read_fields_v1(in);
  task.backend = in.text();
  const std::size_t entries = in.count(attempt_log_max);
  task.attempt_log.reserve(entries);
  for (std::size_t index = 0; index < entries; ++index) {
    task.attempt_log.push_back(read_attempt(in));
  }
  return task;
}

Error damaged(std::string reason) {
  return make_error(ErrorCode::store_failed, "the task record is damaged: " + std::move(reason));
}

}  // namespace

void encode_task(const Task& task, std::string& record) {
  record.clear();
  Writer out{record};
  out.byte(task_record_version);
  write_fields(out, task);
  const std::uint32_t checksum = crc32c(record);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out.byte(static_cast<std::uint8_t>(checksum >> shift));
  }
}

Result<Task> decode_task(std::string_view record) {
  if (record.size() < 1 + checksum_bytes) return damaged("it is too short");
  // The version comes first: it says where everything else is, the checksum included.
  const auto version = static_cast<std::uint8_t>(record.front());
  if (version == 0 || version > task_record_version) {
    return make_error(ErrorCode::store_failed, "the task record has format version " +
                                                   std::to_string(version) +
                                                   ", which this signalbox does not know");
  }
  const std::string_view content = record.substr(0, record.size() - checksum_bytes);
  if (crc32c(content) != get_big_endian(record.substr(content.size()))) {
    return damaged("its checksum is wrong");
  }
  Reader in{content.substr(1)};
  Task task = version == 1 ? read_fields_v1(in) : read_fields_v2(in);
  if (!in.ok()) return damaged("a field is out of its range");
  if (!in.at_end()) return damaged("there is more than a task in it");
  return task;
}

}  // namespace signalbox::persistence
