// CallThreads: calls are numbered, bounded, cancelled and waited for.
#include "http/upstream/call_threads.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

namespace signalbox::http {

namespace {

using namespace std::chrono_literals;

/// Spins until the call is cancelled; at most 5 s, which a test then takes for a hang.
bool wait_for_cancel(const Cancellation& cancellation) {
  for (int i = 0; i < 5000 && !cancellation.cancelled(); ++i) std::this_thread::sleep_for(1ms);
  return cancellation.cancelled();
}

}  // namespace

TEST_CASE("call_threads: a call's last step comes when it is no longer counted",
          "[http][call_threads]") {
  CallThreads threads(1);
  std::promise<std::size_t> counted;
  std::promise<std::size_t> next;
  const auto refuse = [] { FAIL("refused"); };
  const auto number = threads.start(
      [&](Cancellation&) -> CallThreads::Job {
        return [&, before = threads.count()] {
          counted.set_value(before * 10 + threads.count());
          // So the next call finds room, though this one has its thread still.
          threads.start([&](Cancellation&) { return [&] { next.set_value(threads.count()); }; },
                        refuse);
        };
      },
      refuse);
  CHECK(number != 0);
  CHECK(counted.get_future().get() == 10);
  CHECK(next.get_future().get() == 0);
}

TEST_CASE("call_threads: one more than the bound is refused, from another thread",
          "[http][call_threads]") {
  CallThreads threads(2);
  std::atomic<int> cancelled = 0;
  const CallThreads::Call call = [&](Cancellation& cancellation) -> CallThreads::Job {
    if (wait_for_cancel(cancellation)) ++cancelled;
    return [] {};
  };
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < 2; ++i) numbers.push_back(threads.start(call, [] { FAIL("refused"); }));
  std::promise<std::thread::id> refused;
  numbers.push_back(threads.start(call, [&] { refused.set_value(std::this_thread::get_id()); }));
  CHECK(refused.get_future().get() != std::this_thread::get_id());
  CHECK(numbers[0] != numbers[1]);
  CHECK(numbers[1] != numbers[2]);
  threads.cancel(numbers[0]);
  threads.cancel(numbers[2]);
  threads.cancel(12345);
  threads.stop();
  CHECK(cancelled == 2);
  CHECK(threads.count() == 0);
}

TEST_CASE("call_threads: what is started while and after stopping is refused",
          "[http][call_threads]") {
  std::atomic<int> refused = 0;
  std::atomic<int> ended = 0;
  {
    CallThreads threads(8, [] {});
    const CallThreads::Call call = [&](Cancellation& cancellation) -> CallThreads::Job {
      wait_for_cancel(cancellation);
      return [&] {
        ++ended;
        threads.start([](Cancellation&) { return [] {}; }, [&] { ++refused; });
      };
    };
    for (int i = 0; i < 8; ++i) threads.start(call, [&] { FAIL("refused"); });
    threads.stop();
    CHECK(ended == 8);
    CHECK(refused == 8);
    threads.start(call, [&] { ++refused; });
    CHECK(refused == 9);
  }
}

TEST_CASE("call_threads: the house is kept while nothing runs", "[http][call_threads]") {
  std::promise<void> kept;
  std::atomic<int> times = 0;
  CallThreads threads(1, [&] {
    if (++times == 1) kept.set_value();
  });
  CHECK(kept.get_future().wait_for(10s) == std::future_status::ready);
}

}  // namespace signalbox::http
