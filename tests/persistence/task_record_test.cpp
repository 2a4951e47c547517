// Goal: the stored form of a task never changes by accident, and no bytes whatever bring the
// decoder down. Method: golden bytes per version, round trips of random tasks, every truncation,
// every single-byte change, random bytes.
#include "persistence/task_record.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "persistence/checksum.hpp"

namespace signalbox::persistence {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t index = 0; index + 1 < hex.size(); index += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string{hex.substr(index, 2)}, nullptr, 16)));
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex.push_back(digits[static_cast<unsigned char>(byte) >> 4U]);
    hex.push_back(digits[static_cast<unsigned char>(byte) & 0xFU]);
  }
  return hex;
}

WallTime at_ms(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds{ms}};
}

/// Each field has a value of its own, none its default.
Task golden_task() {
  Task task;
  task.id = *TaskId::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  task.state = TaskState::error;
  task.kind = TaskKind::native_chat;
  task.priority = Priority::background;
  task.streaming = true;
  task.attended = true;
  task.pool = "chat";
  task.llm = "qwen";
  task.model = "qwen3-8b";
  task.tier = "fast";
  task.profile = "p";
  task.owner = "alice";
  task.agent = "reviewer";
  task.description = "d";
  task.request_id = "r-1";
  task.traceparent = "00-1";
  task.metadata = "{}";
  task.queue_wait_ms = 15000;
  task.inference_ms = 60000;
  task.claimed_by = "w";
  task.epoch = 0x1'0000'0002;
  task.attempts = 3;
  task.losses = 200;
  task.created_at = at_ms(1700000000000);
  task.claimed_at = at_ms(1700000000001);
  task.stream_started_at = at_ms(-1);
  task.completed_at = at_ms(64);
  task.error_code = ErrorCode::worker_lost;
  task.error_message = "lost";
  task.backend_status = 422;
  task.response_type = "text/plain";
  task.idempotency_hash = "ih";
  task.request_hash = "rh";
  return task;
}

/// The golden task of version 2: the same, with the fields that came with it.
Task golden_task_v2() {
  Task task = golden_task();
  task.backend = "qwen";
  task.attempt_log = {
      {2, "phi", "s-9", at_ms(1700000000000), at_ms(1700000000001), Attempt::Outcome::lost,
       ErrorCode::worker_lost},
      {3, "qwen", "w", at_ms(1700000000001), {}, Attempt::Outcome::open, ErrorCode::none}};
  return task;
}

/// The golden task of version 3: once more, with a preemption.
Task golden_task_v3() {
  Task task = golden_task_v2();
  task.preemptions = 300;
  task.attempt_log[0].outcome = Attempt::Outcome::preempted;
  return task;
}

class RandomTask {
 public:
  explicit RandomTask(std::uint64_t seed) : x_random_{seed} {}

  Task operator()() {
    Task task;
    for (std::uint8_t& byte : task.id.bytes) byte = static_cast<std::uint8_t>(x_random_());
    task.state = static_cast<TaskState>(x_random_() % task_state_count);
    task.kind = static_cast<TaskKind>(x_random_() % 4);
    task.priority = static_cast<Priority>(x_random_() % priority_count);
    task.streaming = coin();
    task.fail_fast = coin();
    task.attended = coin();
    for (std::string* text :
         {&task.pool, &task.llm, &task.model, &task.tier, &task.profile, &task.owner, &task.agent,
          &task.description, &task.request_id, &task.traceparent, &task.metadata, &task.claimed_by,
          &task.error_message, &task.response_type, &task.idempotency_hash, &task.request_hash}) {
      *text = text_of(coin() ? 0 : x_random_() % 300);
    }
    task.queue_wait_ms = number();
    task.inference_ms = number();
    task.epoch = static_cast<Epoch>(number());
    task.attempts = static_cast<std::uint32_t>(number());
    task.losses = static_cast<std::uint32_t>(number());
    task.preemptions = static_cast<std::uint32_t>(number());
    task.created_at = at_ms(number());
    task.claimed_at = at_ms(number());
    task.stream_started_at = at_ms(number());
    task.completed_at = at_ms(number());
    task.error_code = static_cast<ErrorCode>(x_random_() % (error_code_max + 1U));
    task.backend_status = static_cast<std::int32_t>(number());
    task.backend = text_of(x_random_() % 40);
    task.attempt_log.resize(x_random_() % (attempt_log_max + 1));
    for (Attempt& attempt : task.attempt_log) attempt = random_attempt();
    return task;
  }

  Attempt random_attempt() {
    Attempt attempt;
    attempt.number = static_cast<std::uint32_t>(number());
    attempt.backend = text_of(x_random_() % 40);
    attempt.claimed_by = text_of(x_random_() % 40);
    attempt.claimed_at = at_ms(number());
    attempt.ended_at = at_ms(number());
    attempt.outcome = static_cast<Attempt::Outcome>(x_random_() % 7);
    attempt.error_code = static_cast<ErrorCode>(x_random_() % (error_code_max + 1U));
    return attempt;
  }

  std::string text_of(std::size_t size) {
    std::string text(size, '\0');
    for (char& byte : text) byte = static_cast<char>(x_random_());
    return text;
  }

 private:
  bool coin() { return x_random_() % 2 == 0; }
  /// Of any length in bits, negative as often as not.
  std::int64_t number() { return static_cast<std::int64_t>(x_random_()) >> (x_random_() % 64); }

  std::mt19937_64 x_random_;
};

std::string encoded(const Task& task) {
  std::string record;
  encode_task(task, record);
  return record;
}

/// `record` with its checksum made right, to reach what lies behind it.
std::string resealed(std::string record) {
  const std::size_t covered = record.size() - 4;
  const std::uint32_t checksum = crc32c(std::string_view{record}.substr(0, covered));
  for (std::size_t index = 0; index < 4; ++index) {
    record[covered + index] = static_cast<char>(checksum >> (24 - 8 * index));
  }
  return record;
}

/// The record that an older version had for a task without what came since: `added` zeros at the
/// end.
std::string as_version(char version, std::size_t added, std::string record) {
  REQUIRE(record.substr(record.size() - 4 - added, added) == std::string(added, '\0'));
  record.erase(record.size() - 4 - added, added);
  record[0] = version;
  return resealed(record);
}

}  // namespace

TEST_CASE("checksum: is CRC-32C, whole or in parts", "[persistence]") {
  // RFC 3720 B.4.
  CHECK(crc32c("123456789") == 0xE3069283U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43U);
  CHECK(crc32c("") == 0);
  CHECK(crc32c("56789", crc32c("1234")) == 0xE3069283U);
}

TEST_CASE("task_record: version 1 is what it was", "[persistence]") {
  // Made from the description of the format by another program, not by encode_task.
  const std::string golden = from_hex(
      "0101890a5dac96774bbcceb302099a8057040302050463686174047177656e087177656e332d"
      "38620466617374017005616c696365087265766965776572016403722d310430302d31027b7d"
      "b0ea01c0a9070177828080801003c80180a0abfef96282a0abfef9620180010a046c6f7374cc"
      "060a746578742f706c61696e0269680272686fcbc741");
  CHECK(to_hex(as_version(1, 3, encoded(golden_task()))) == to_hex(golden));
  const auto task = decode_task(golden);
  REQUIRE(task.has_value());
  CHECK(*task == golden_task());
}

TEST_CASE("task_record: version 2 is what it was", "[persistence]") {
  // Made from the description of the format by another program, not by encode_task.
  const std::string golden = from_hex(
      "0201890a5dac96774bbcceb302099a8057040302050463686174047177656e087177656e332d"
      "38620466617374017005616c696365087265766965776572016403722d310430302d31027b7d"
      "b0ea01c0a9070177828080801003c80180a0abfef96282a0abfef9620180010a046c6f7374cc"
      "060a746578742f706c61696e026968027268047177656e02020370686903732d3980a0abfef9"
      "6282a0abfef962030a03047177656e017782a0abfef96200000088e02123");
  CHECK(to_hex(as_version(2, 1, encoded(golden_task_v2()))) == to_hex(golden));
  const auto task = decode_task(golden);
  REQUIRE(task.has_value());
  CHECK(*task == golden_task_v2());
}

TEST_CASE("task_record: version 3 is what it was", "[persistence]") {
  // Made from the description of the format by another program, not by encode_task.
  const std::string golden = from_hex(
      "0301890a5dac96774bbcceb302099a8057040302050463686174047177656e087177656e332d"
      "38620466617374017005616c696365087265766965776572016403722d310430302d31027b7d"
      "b0ea01c0a9070177828080801003c80180a0abfef96282a0abfef9620180010a046c6f7374cc"
      "060a746578742f706c61696e026968027268047177656e02020370686903732d3980a0abfef9"
      "6282a0abfef962060a03047177656e017782a0abfef962000000ac024bf90161");
  CHECK(to_hex(encoded(golden_task_v3())) == to_hex(golden));
  const auto task = decode_task(golden);
  REQUIRE(task.has_value());
  CHECK(*task == golden_task_v3());
}

TEST_CASE("task_record: an outcome is of its version", "[persistence]") {
  Task task = golden_task_v3();
  task.preemptions = 0;
  CHECK(decode_task(encoded(task)).has_value());
  CHECK(decode_task(as_version(2, 1, encoded(task))).has_error());
}

TEST_CASE("task_record: a log of more entries than a task keeps is an error", "[persistence]") {
  Task task = golden_task();
  task.attempt_log.resize(attempt_log_max);
  CHECK(decode_task(encoded(task)).has_value());
  task.attempt_log.resize(attempt_log_max + 1);
  CHECK(decode_task(encoded(task)).has_error());
}

TEST_CASE("task_record: a task comes back as it was", "[persistence]") {
  RandomTask random{20240601};
  CHECK(decode_task(encoded(Task{})).value() == Task{});
  for (int round = 0; round < 3000; ++round) {
    const Task task = random();
    const auto decoded = decode_task(encoded(task));
    REQUIRE(decoded.has_value());
    REQUIRE(*decoded == task);
  }
}

TEST_CASE("task_record: no part of a record is a record", "[persistence]") {
  const std::string record = encoded(golden_task_v3());
  for (std::size_t size = 0; size < record.size(); ++size) {
    REQUIRE(decode_task(record.substr(0, size)).has_error());
  }
  CHECK(decode_task(record + '\0').has_error());
}

TEST_CASE("task_record: any changed byte is found", "[persistence]") {
  const std::string record = encoded(golden_task_v3());
  for (std::size_t index = 0; index < record.size(); ++index) {
    for (int change = 1; change < 256; ++change) {
      std::string changed = record;
      changed[index] = static_cast<char>(changed[index] ^ change);
      const auto task = decode_task(changed);
      REQUIRE(task.has_error());
      REQUIRE(task.error().code == ErrorCode::store_failed);
    }
  }
}

TEST_CASE("task_record: a wrong field behind a right checksum gives a task or an error",
          "[persistence]") {
  const std::string record = encoded(golden_task_v3());
  std::size_t errors = 0;
  for (std::size_t index = 1; index < record.size() - 4; ++index) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = record;
      changed[index] = static_cast<char>(value);
      changed = resealed(changed);
      const auto task = decode_task(changed);
      if (!task) ++errors;
      // One spelling per task: what decodes encodes to the same bytes.
      else
        REQUIRE(encoded(*task) == changed);
    }
  }
  CHECK(errors > 1000);
  for (std::size_t size = 5; size < record.size(); ++size) {
    REQUIRE(decode_task(resealed(record.substr(0, size))).has_error());
  }
}

TEST_CASE("task_record: random bytes are an error", "[persistence]") {
  RandomTask random{7};
  for (std::size_t round = 0; round < 20000; ++round) {
    std::string bytes =
        std::string(1, static_cast<char>(1 + round % 3)) + random.text_of(round % 400 + 4);
    decode_task(bytes).has_value();
    decode_task(resealed(bytes)).has_value();
  }
  CHECK(decode_task("").has_error());
}

TEST_CASE("task_record: an unknown version says so", "[persistence]") {
  std::string record = encoded(golden_task());
  record[0] = 4;
  const auto task = decode_task(resealed(record));
  REQUIRE(task.has_error());
  CHECK_THAT(task.error().message, Catch::Contains("version 4"));
}

}  // namespace signalbox::persistence
