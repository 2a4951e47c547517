// Threads of ElasticThreads: made for jobs, bounded, gone after a while.
#include "http/edge/elastic_threads.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

namespace signalbox::http {

namespace {

using namespace std::chrono_literals;

/// Threads end in their own time: polls, at most 5 s.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 5000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

}  // namespace

TEST_CASE("elastic_threads: threads come with the work and go without it",
          "[http][elastic_threads]") {
  ElasticThreads threads(3, 20ms);
  std::promise<void> end;
  const auto ended = end.get_future().share();
  std::atomic<int> ran = 0;
  for (int i = 0; i < 3; ++i)
    CHECK(threads.run([&, ended] {
      ended.wait();
      ++ran;
    }));
  CHECK_FALSE(threads.run([&] { ++ran; }));
  CHECK(threads.thread_count() == 3);
  end.set_value();
  CHECK(eventually([&] { return ran == 3 && threads.thread_count() == 0; }));
  CHECK(threads.run([&] { ++ran; }));
  CHECK(eventually([&] { return ran == 4; }));
}

TEST_CASE("elastic_threads: the destructor waits for every job", "[http][elastic_threads]") {
  std::atomic<int> ran = 0;
  {
    ElasticThreads threads(50, 1h);
    for (int i = 0; i < 50; ++i) CHECK(threads.run([&] { ++ran; }));
  }
  CHECK(ran == 50);
}

}  // namespace signalbox::http
