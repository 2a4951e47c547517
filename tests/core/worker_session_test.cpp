// Goal: a session is there, holds and wakes exactly as it should after whatever happened to it.
// Method: all sequences of up to five operations against a small oracle; the documents' round trip.
#include <catch2/catch.hpp>

#include <array>
#include <functional>

#include "core/backends/worker_session.hpp"
#include "core/base/field_text.hpp"

namespace signalbox {
namespace {

using namespace std::chrono_literals;

constexpr SessionRules rules{3s, 2s};

TaskId id_of(std::uint8_t number) {
  TaskId id;
  id.bytes[15] = number;
  return id;
}

OfferedLlm sleeper() {
  OfferedLlm llm;
  llm.name = "alice";
  llm.type = "openai";
  llm.model = "model";
  llm.status = LlmStatus::hibernating;
  return llm;
}

/// What is to be true, said without the session's own means.
struct Oracle {
  bool is_heard = false;
  bool drains = false;
  std::uint64_t channel = 0;
  Instant heard{};
  bool holds = false;
  /// Zero = none.
  int wake = 0;
  Instant wake_due{};
  bool is_awake = false;

  [[nodiscard]] bool is_open() const { return is_heard && !drains && channel != 0; }
  void go() {
    is_heard = false;
    drains = false;
    channel = 0;
  }
};

struct Pair {
  WorkerSession session{rules};
  Oracle oracle;
  Instant now{10s};
  std::uint64_t next_channel = 1;
  std::uint8_t next_wake = 100;

  Pair() { session.offer({sleeper()}); }
};

using Operation = void (*)(Pair&);

void hear(Pair& pair) {
  const bool is_back = !pair.oracle.is_heard;
  REQUIRE(pair.session.hear(pair.now) == is_back);
  pair.oracle.is_heard = true;
  pair.oracle.heard = pair.now;
}

void bind(Pair& pair) {
  const auto replaced = pair.session.bind(pair.next_channel, pair.now);
  REQUIRE(replaced.value_or(0) == pair.oracle.channel);
  pair.oracle.channel = pair.next_channel++;
  pair.oracle.is_heard = true;
  pair.oracle.drains = false;
  pair.oracle.heard = pair.now;
}

void unbind(Pair& pair) {
  const bool is_bound = pair.oracle.channel != 0;
  REQUIRE(pair.session.unbind(pair.oracle.channel) == is_bound);
  if (is_bound) pair.oracle.go();
}

void unbind_stale(Pair& pair) {
  REQUIRE_FALSE(pair.session.unbind(pair.next_channel + 7));
}

void expire(Pair& pair) {
  pair.now += 1500ms;
  const bool is_due = pair.oracle.is_heard && pair.now >= pair.oracle.heard + 3s;
  REQUIRE(pair.session.expire(pair.now) == is_due);
  if (is_due) pair.oracle.go();
}

void drain(Pair& pair) {
  pair.session.drain();
  if (pair.oracle.is_heard) pair.oracle.drains = true;
}

void hold(Pair& pair) {
  pair.session.hold({id_of(1), 5, 2, "alice"});
  pair.oracle.holds = true;
}

void release(Pair& pair) {
  REQUIRE(pair.session.release(id_of(1)) == pair.oracle.holds);
  pair.oracle.holds = false;
}

void begin_wake(Pair& pair) {
  const bool begins = pair.oracle.is_open() && !pair.oracle.is_awake && pair.oracle.wake == 0;
  REQUIRE(pair.session.begin_wake("alice", id_of(pair.next_wake), pair.now) == begins);
  if (begins) {
    pair.oracle.wake = pair.next_wake;
    pair.oracle.wake_due = pair.now + 2s;
  }
  ++pair.next_wake;
}

void end_wake(Pair& pair) {
  const auto id = id_of(static_cast<std::uint8_t>(pair.oracle.wake));
  REQUIRE(pair.session.end_wake(id).has_value() == (pair.oracle.wake != 0));
  pair.oracle.wake = 0;
}

void say_active(Pair& pair) {
  REQUIRE(pair.session.set_status("alice", LlmStatus::active) == !pair.oracle.is_awake);
  if (!pair.oracle.is_awake) pair.oracle.wake = 0;
  pair.oracle.is_awake = true;
}

void fail_wakes(Pair& pair) {
  const bool fails =
      pair.oracle.wake != 0 && (!pair.oracle.is_open() || pair.now >= pair.oracle.wake_due);
  REQUIRE(pair.session.take_failed_wakes(pair.now).size() == (fails ? 1 : 0));
  if (fails) pair.oracle.wake = 0;
}

constexpr std::array<Operation, 12> operations{hear,       bind,     unbind,     unbind_stale,
                                               expire,     drain,    hold,       release,
                                               begin_wake, end_wake, say_active, fail_wakes};

std::optional<Instant> deadline(const Oracle& oracle) {
  std::optional<Instant> next;
  if (oracle.is_heard) next = oracle.heard + 3s;
  if (oracle.wake != 0) next = next ? std::min(*next, oracle.wake_due) : oracle.wake_due;
  return next;
}

bool agree(const Pair& pair) {
  const auto& [session, oracle, now, next_channel, next_wake] = pair;
  const SessionState state = !oracle.is_heard ? SessionState::inactive
                             : oracle.drains  ? SessionState::draining
                                              : SessionState::active;
  const LlmStatus said = oracle.is_awake ? LlmStatus::active : LlmStatus::hibernating;
  return session.state() == state && session.channel().value_or(0) == oracle.channel &&
         session.is_open() == oracle.is_open() && session.next_deadline() == deadline(oracle) &&
         session.in_flight() == (oracle.holds ? 1U : 0U) &&
         (session.find(id_of(1), {}) != nullptr) == oracle.holds &&
         session.status_of(session.llms().front()) ==
             (oracle.is_heard ? said : LlmStatus::inactive);
}

/// @returns how many sequences were walked.
std::size_t walk(const Pair& before, int length) {
  if (length == 0) return 1;
  std::size_t count = 0;
  for (const Operation operation : operations) {
    Pair pair = before;
    operation(pair);
    if (!agree(pair)) FAIL("operation " << (&operation - operations.data()));
    count += walk(pair, length - 1);
  }
  return count;
}

}  // namespace

TEST_CASE("worker_session: all sequences of five operations", "[core][worker_session]") {
  CHECK(walk(Pair{}, 5) == 248'832);
}

TEST_CASE("worker_session: what it held is taken in the order of ids, once",
          "[core][worker_session]") {
  WorkerSession session{rules};
  session.hold({id_of(3), 1, 1, "alice"});
  session.hold({id_of(1), 2, 4, "alice"});
  CHECK(session.find(id_of(1), 4) != nullptr);
  CHECK(session.find(id_of(1), 3) == nullptr);
  const auto held = session.take_held();
  REQUIRE(held.size() == 2);
  CHECK(held.front().id == id_of(1));
  CHECK(session.take_held().empty());
}

TEST_CASE("worker_session: names that others took are forgotten", "[core][worker_session]") {
  WorkerSession session{rules};
  OfferedLlm other = sleeper();
  other.name = "bob";
  other.capacity = 4;
  session.offer({sleeper(), other});
  CHECK(session.capacity() == 5);
  session.forget_llms({"alice", "carol"});
  CHECK(session.capacity() == 4);
  CHECK_FALSE(session.set_status("alice", LlmStatus::active));
}

TEST_CASE("worker_session: a registration survives being stored", "[core][worker_session]") {
  WorkerRegistration registration;
  registration.session = SessionId::parse("01890000000070008000000000000001").value_or(SessionId{});
  registration.session.bytes[0] = 1;
  registration.owner = "who = she: \"alice\"";
  registration.address = "10.0.0.1";
  registration.registered_at = WallTime{std::chrono::milliseconds{1234}};
  OfferedLlm awake = sleeper();
  awake.name = "bob";
  awake.status = LlmStatus::active;
  awake.capacity = llm_capacity_max;
  awake.pool = "chat";
  awake.tier = "gold";
  registration.llms = {sleeper(), awake};
  const std::string text = encode(registration);
  CHECK(decode_worker_registration(text) == registration);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto cut = decode_worker_registration(text.substr(0, size));
    CHECK((!cut || cut->llms.size() < registration.llms.size()));
  }
  CHECK_FALSE(decode_worker_registration(encode_fields({{"owner", "she"}})));
}

TEST_CASE("worker_session: offers have bounds", "[core][worker_session]") {
  const auto param = [](const std::vector<OfferedLlm>& llms) {
    const auto error = check(llms);
    return error ? error->param : "";
  };
  CHECK(param({sleeper()}).empty());
  CHECK(param({}) == "llms");
  CHECK(param(std::vector(session_llms_max + 1, sleeper())) == "llms");
  CHECK(param({sleeper(), sleeper()}) == "llms.name");
  OfferedLlm llm = sleeper();
  llm.capacity = GENERATE(0U, llm_capacity_max + 1);
  CHECK(param({llm}) == "llms.capacity");
  llm = sleeper();
  llm.model = GENERATE(std::string{}, std::string(257, 'm'));
  CHECK(param({llm}) == "llms.model");
  llm = sleeper();
  llm.pool = "no pool";
  CHECK(param({llm}) == "llms.pool");
  llm = sleeper();
  llm.tier = std::string(65, 't');
  CHECK(param({llm}) == "llms.type");
}

}  // namespace signalbox
