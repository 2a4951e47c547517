// Goal: the stored form of a call row never changes by accident, and no bytes whatever bring the
// decoder down. Method: golden bytes, round trips of random rows, every truncation, every
// single-byte change.
#include "persistence/call_record.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <random>

#include "persistence/record_fields.hpp"

namespace signalbox::persistence {
namespace {

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex.push_back(digits[static_cast<unsigned char>(byte) >> 4U]);
    hex.push_back(digits[static_cast<unsigned char>(byte) & 0xFU]);
  }
  return hex;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t place = 0; place < hex.size(); place += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string{hex.substr(place, 2)}, nullptr, 16)));
  }
  return bytes;
}

WallTime at_ms(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds{ms}};
}

/// Each field has a value of its own.
CallRow golden_row() {
  CallRow row;
  row.id = *parse_id("01890a5d-ac96-774b-bcce-b302099a8057");
  row.kind = CallKind::native_chat;
  row.priority = Priority::background;
  row.status = CallStatus::error;
  row.streaming = true;
  row.attempts = 300;
  row.profile = "p";
  row.model = "qwen3-8b";
  row.pool = "chat";
  row.backend = "qwen";
  row.owner = "alice";
  row.description = "d";
  row.request_id = "r-1";
  row.error_kind = "worker_lost";
  row.error_detail = "lost";
  row.queued_at = at_ms(1700000000000);
  row.admitted_at = at_ms(1700000000001);
  row.started_http_at = at_ms(-1);
  row.finished_at = at_ms(64);
  row.queue_wait_ms = 0.5;
  row.service_time_ms = -1;
  row.total_latency_ms = 1234.567891;
  row.tokens = {300, std::nullopt};
  row.preemptions = 200;
  return row;
}

std::string encoded(const CallRow& row) {
  std::string record = "what was in it before";
  encode_call(row, record);
  return record;
}

/// `record` with its checksum made right, to reach what lies behind it.
std::string resealed(std::string record) {
  record.resize(record.size() - 4);
  seal_record(record);
  return record;
}

}  // namespace

TEST_CASE("call_record: version 3 is what it was", "[persistence]") {
  // Made from the description of the format by another program, not by encode_call.
  const std::string golden =
      "0301890a5dac96774bbcceb302099a805703020601ac020170087177656e332d386204636861"
      "74047177656e05616c696365016403722d310b776f726b65725f6c6f7374046c6f737480a0ab"
      "fef96282a0abfef962010080013fe0000000000000bff000000000000040934a458537e2c5ad"
      "0200c80144d4b3d2";
  CHECK(to_hex(encoded(golden_row())) == golden);
  const auto row = decode_call(encoded(golden_row()));
  REQUIRE(row.has_value());
  CHECK(*row == golden_row());
}

TEST_CASE("call_record: version 2 is still read", "[persistence]") {
  // Made from the description of the format by another program, not by encode_call.
  const std::string golden =
      "0201890a5dac96774bbcceb302099a805703020601ac020170087177656e332d386204636861"
      "74047177656e05616c696365016403722d310b776f726b65725f6c6f7374046c6f737480a0ab"
      "fef96282a0abfef962010080013fe0000000000000bff000000000000040934a458537e2c5ad"
      "02001138f155";
  CallRow expected = golden_row();
  expected.preemptions = 0;
  const auto row = decode_call(from_hex(golden));
  REQUIRE(row.has_value());
  CHECK(*row == expected);
}

TEST_CASE("call_record: version 1 is still read", "[persistence]") {
  const std::string golden =
      "0101890a5dac96774bbcceb302099a805703020601ac020170087177656e332d386204636861"
      "74047177656e05616c696365016403722d310b776f726b65725f6c6f7374046c6f737480a0ab"
      "fef96282a0abfef962010080013fe0000000000000bff000000000000040934a458537e2c578"
      "52b3ca";
  CallRow expected = golden_row();
  expected.tokens = {};
  expected.preemptions = 0;
  const auto row = decode_call(from_hex(golden));
  REQUIRE(row.has_value());
  CHECK(*row == expected);
}

TEST_CASE("call_record: a row comes back as it was", "[persistence]") {
  CHECK(decode_call(encoded(CallRow{})).value() == CallRow{});
  std::mt19937_64 random{20261121};
  const auto text = [&random] {
    std::string made(random() % 3 == 0 ? 0 : random() % 300, '\0');
    for (char& byte : made) byte = static_cast<char>(random());
    return made;
  };
  for (int round = 0; round < 2000; ++round) {
    CallRow row;
    for (std::uint8_t& byte : row.id) byte = static_cast<std::uint8_t>(random());
    row.kind = static_cast<CallKind>(random() % 256);
    row.priority = static_cast<Priority>(random() % priority_count);
    row.status = static_cast<CallStatus>(random() % 8);
    row.streaming = random() % 2 == 0;
    row.attempts = static_cast<std::uint32_t>(random() >> (random() % 64));
    row.preemptions = static_cast<std::uint32_t>(random() >> (random() % 64));
    for (std::string* field :
         {&row.profile, &row.model, &row.pool, &row.backend, &row.owner, &row.description,
          &row.request_id, &row.error_kind, &row.error_detail}) {
      *field = text();
    }
    for (WallTime* time : {&row.queued_at, &row.admitted_at, &row.started_http_at,
                           &row.first_token_at, &row.finished_at}) {
      *time = at_ms(static_cast<std::int64_t>(random()) >> (random() % 64));
    }
    for (double* ms : {&row.queue_wait_ms, &row.service_time_ms, &row.total_latency_ms}) {
      *ms = static_cast<double>(static_cast<std::int64_t>(random())) / 1e6;
    }
    for (auto* count : {&row.tokens.in, &row.tokens.out}) {
      if (random() % 3 != 0) *count = static_cast<std::uint32_t>(random() >> (random() % 64));
    }
    const auto decoded = decode_call(encoded(row));
    REQUIRE(decoded.has_value());
    REQUIRE(*decoded == row);
  }
}

TEST_CASE("call_record: no part of a record is a record", "[persistence]") {
  const std::string record = encoded(golden_row());
  for (std::size_t size = 0; size < record.size(); ++size) {
    REQUIRE(decode_call(record.substr(0, size)).has_error());
    if (size >= 5) REQUIRE(decode_call(resealed(record.substr(0, size))).has_error());
  }
  CHECK(decode_call(record + '\0').has_error());
  CHECK(decode_call(resealed(record + std::string(1, '\0'))).has_error());
}

TEST_CASE("call_record: any changed byte is found", "[persistence]") {
  const std::string record = encoded(golden_row());
  for (std::size_t index = 0; index < record.size(); ++index) {
    for (int change = 1; change < 256; ++change) {
      std::string changed = record;
      changed[index] = static_cast<char>(changed[index] ^ change);
      const auto row = decode_call(changed);
      REQUIRE(row.has_error());
      REQUIRE(row.error().code == ErrorCode::store_failed);
    }
  }
}

TEST_CASE("call_record: a wrong field behind a right checksum gives a row or an error",
          "[persistence]") {
  const std::string record = encoded(golden_row());
  std::size_t errors = 0;
  for (std::size_t index = 1; index < record.size() - 4; ++index) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = record;
      changed[index] = static_cast<char>(value);
      changed = resealed(changed);
      const auto row = decode_call(changed);
      if (!row) ++errors;
      // One spelling per row: what decodes encodes to the same bytes.
      else
        REQUIRE(encoded(*row) == changed);
    }
  }
  CHECK(errors > 1000);
}

TEST_CASE("call_record: a duration that is no number is an error", "[persistence]") {
  CallRow row = golden_row();
  row.service_time_ms = std::numeric_limits<double>::quiet_NaN();
  CHECK(decode_call(encoded(row)).has_error());
  row.service_time_ms = std::numeric_limits<double>::infinity();
  CHECK(decode_call(encoded(row)).has_error());
}

TEST_CASE("call_record: a record from the future says so", "[persistence]") {
  std::string record = encoded(golden_row());
  record[0] = 4;
  const auto row = decode_call(resealed(record));
  REQUIRE(row.has_error());
  CHECK(row.error().code == ErrorCode::store_failed);
  CHECK_THAT(row.error().message, Catch::Contains("version 4"));
  record[0] = 0;
  CHECK(decode_call(resealed(record)).has_error());
}

}  // namespace signalbox::persistence
