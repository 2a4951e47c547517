// Goal: ids rise strictly whatever the clock does, and their text form is exact. Method: clocks
// that stand, jump and step back; round trips; every one-character damage of a good text.
#include "core/base/ids.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

namespace signalbox::test {
namespace {

std::int64_t ms_of(const IdBytes& bytes) {
  std::int64_t ms = 0;
  for (std::size_t index = 0; index < 6; ++index) ms = ms << 8 | bytes[index];
  return ms;
}

constexpr std::int64_t some_ms = 0x0190'1234'5678;

}  // namespace

TEST_CASE("ids: the bytes are RFC 9562 version 7", "[core][ids]") {
  IdSequence sequence{42};
  for (int count = 0; count < 5000; ++count) {
    const IdBytes bytes = sequence.next(some_ms + count / 3);
    REQUIRE(bytes[6] >> 4U == 7);
    REQUIRE(bytes[8] >> 6U == 2);
    REQUIRE(ms_of(bytes) == some_ms + count / 3);
    REQUIRE(to_ms(TaskId{bytes}.created_at().time_since_epoch()) == some_ms + count / 3);
  }
}

TEST_CASE("ids: rise strictly while the clock stands, past the overflow of the counter",
          "[core][ids]") {
  IdSequence sequence{1};
  IdBytes last = sequence.next(some_ms);
  constexpr int count = 3 * 4096;
  for (int index = 1; index < count; ++index) {
    const IdBytes next = sequence.next(some_ms);
    REQUIRE(last < next);
    last = next;
  }
  // Each 4096 ids borrow a millisecond of the future, and no more than that.
  CHECK(ms_of(last) == some_ms + 2);
}

TEST_CASE("ids: rise strictly when the clock steps back, and follow it when it is ahead again",
          "[core][ids]") {
  IdSequence sequence{9};
  const IdBytes first = sequence.next(some_ms);
  const IdBytes second = sequence.next(some_ms - 3'600'000);
  const IdBytes third = sequence.next(0);
  const IdBytes fourth = sequence.next(-5);
  const IdBytes fifth = sequence.next(some_ms + 1);
  CHECK(first < second);
  CHECK(second < third);
  CHECK(third < fourth);
  CHECK(fourth < fifth);
  CHECK(ms_of(fourth) == some_ms);
  CHECK(ms_of(fifth) == some_ms + 1);
}

TEST_CASE("ids: rise strictly under any walk of the clock", "[core][ids][random]") {
  std::mt19937_64 random{3};
  IdSequence sequence{random()};
  std::int64_t ms = some_ms;
  IdBytes last{};
  for (int count = 0; count < 100'000; ++count) {
    if (random() % 16 == 0) ms += static_cast<std::int64_t>(random() % 200) - 100;
    const IdBytes next = sequence.next(ms);
    REQUIRE(last < next);
    last = next;
  }
}

TEST_CASE("ids: order as their bytes do", "[core][ids][random]") {
  std::mt19937_64 random{5};
  for (std::size_t place = 0; place < IdBytes{}.size(); ++place) {
    for (int count = 0; count < 1000; ++count) {
      TaskId left;
      for (auto& byte : left.bytes) byte = static_cast<std::uint8_t>(random());
      TaskId right = left;
      REQUIRE((left <=> right) == std::strong_ordering::equal);
      // The first difference is here; what follows says something else.
      for (std::size_t index = place; index < right.bytes.size(); ++index) {
        right.bytes[index] = static_cast<std::uint8_t>(random());
      }
      REQUIRE((left <=> right) == (left.bytes <=> right.bytes));
      REQUIRE((left < right) == (left.bytes < right.bytes));
    }
  }
}

TEST_CASE("ids: generators with other seeds do not meet", "[core][ids]") {
  std::set<IdBytes> seen;
  for (const std::uint64_t seed : {1U, 3U, 5U, 7U, 1001U, 65537U}) {
    IdSequence sequence{seed};
    for (int count = 0; count < 1000; ++count) REQUIRE(seen.insert(sequence.next(some_ms)).second);
  }
}

TEST_CASE("ids: the same seed gives the same ids, as a simulation needs", "[core][ids]") {
  IdSequence one{77};
  IdSequence other{77};
  for (int count = 0; count < 100; ++count) CHECK(one.next(some_ms) == other.next(some_ms));
}

TEST_CASE("ids: text is the lower-case 8-4-4-4-12 form and comes back", "[core][ids]") {
  IdBytes bytes{};
  for (std::size_t index = 0; index < 16; ++index) {
    bytes[index] = static_cast<std::uint8_t>(index * 16 + 15 - index);
  }
  const std::string text = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
  CHECK(format_id(bytes) == text);
  CHECK(parse_id(text) == bytes);
  CHECK(parse_id("0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0") == bytes);
  CHECK(TaskId{bytes}.to_string() == text);
  CHECK(TaskId::parse(text) == TaskId{bytes});
  std::mt19937_64 random{5};
  for (int count = 0; count < 2000; ++count) {
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    REQUIRE(parse_id(format_id(bytes)) == bytes);
  }
}

TEST_CASE("ids: order of text is order of bytes", "[core][ids][random]") {
  std::mt19937_64 random{6};
  IdBytes one{};
  IdBytes other{};
  for (int count = 0; count < 2000; ++count) {
    for (auto& byte : one) byte = static_cast<std::uint8_t>(random());
    other = one;
    other[random() % 16] = static_cast<std::uint8_t>(random());
    REQUIRE((one < other) == (format_id(one) < format_id(other)));
  }
}

TEST_CASE("ids: malformed text is no id", "[core][ids]") {
  const std::string good = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
  for (std::size_t index = 0; index < good.size(); ++index) {
    for (const char wrong :
         {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xff', good[index] == '-' ? '0' : '-'}) {
      std::string text = good;
      text[index] = wrong;
      INFO(index << " " << int{wrong});
      CHECK_FALSE(parse_id(text));
    }
    CHECK_FALSE(parse_id(std::string_view{good}.substr(0, index)));
  }
  CHECK_FALSE(parse_id(""));
  CHECK_FALSE(parse_id(good + "0"));
  CHECK_FALSE(parse_id(" " + good));
  CHECK_FALSE(parse_id("{" + good + "}"));
  CHECK_FALSE(parse_id("0f1e2d3c4b5a69788796a5b4c3d2e1f0"));
  CHECK_FALSE(TaskId::parse("t"));
}

TEST_CASE("ids: nil is the default and only that", "[core][ids]") {
  TaskId id;
  CHECK(id.is_nil());
  id.bytes[15] = 1;
  CHECK_FALSE(id.is_nil());
}

}  // namespace signalbox::test
