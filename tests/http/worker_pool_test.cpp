// Goal: every job gets a thread at once or is refused, and threads come and go with the work.
// Method: jobs that block until the test lets them go.
#include "http/edge/worker_pool.hpp"

#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <vector>

#include "tests/http/raw_client.hpp"

using namespace signalbox::http;
using namespace signalbox::http::test;

TEST_CASE("worker_pool: jobs run side by side, up to the bound", "[http][worker_pool]") {
  std::promise<void> gate;
  const auto opened = gate.get_future().share();
  std::atomic<int> running = 0;
  WorkerPool pool({.threads_max = 3});
  const auto job = [&] {
    ++running;
    opened.wait();
  };
  for (int i = 0; i < 3; ++i) CHECK(pool.submit(job));
  CHECK(eventually([&] { return running == 3; }));
  CHECK_FALSE(pool.submit(job));
  gate.set_value();
  CHECK(eventually([&] { return pool.submit([] {}); }));
  pool.stop();
  CHECK(pool.thread_count() == 0);
}

TEST_CASE("worker_pool: an idle thread is used again, and ends when there is no work",
          "[http][worker_pool]") {
  WorkerPool pool({.threads_max = 8, .idle_timeout = 200ms});
  std::atomic<int> done = 0;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(pool.submit([&] { ++done; }));
    REQUIRE(eventually([&] { return done == i + 1; }));
  }
  CHECK(pool.thread_count() <= 2);
  CHECK(eventually([&] { return pool.thread_count() == 0; }));
  CHECK(pool.submit([&] { ++done; }));
  CHECK(eventually([&] { return done == 101; }));
}

TEST_CASE("worker_pool: stop waits for running jobs and takes no more", "[http][worker_pool]") {
  std::atomic<bool> done = false;
  WorkerPool pool({.threads_max = 2});
  std::promise<void> started;
  REQUIRE(pool.submit([&] {
    started.set_value();
    std::this_thread::sleep_for(20ms);
    done = true;
  }));
  started.get_future().wait();
  pool.stop();
  CHECK(done);
  CHECK_FALSE(pool.submit([] {}));
}

TEST_CASE("worker_pool: a stop without any work", "[http][worker_pool]") {
  WorkerPool pool({});
  pool.stop();
  pool.stop();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("worker_pool: when the system has no thread to give, the job is refused",
          "[http][worker_pool]") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_AS, &before) == 0);
  WorkerPool pool({.threads_max = 64});
  REQUIRE(pool.submit([] {}));
  REQUIRE(eventually([&] { return pool.thread_count() == 1; }));
  std::promise<void> gate;
  const auto opened = gate.get_future().share();
  CHECK(pool.submit([&] { opened.wait(); }));
  // Too little address space for another stack of 8 MiB, whoever runs this; the C library may still
  // have a few of ended threads.
  const rlimit little{.rlim_cur = 16 * 1024 * 1024, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_AS, &little) == 0);
  bool taken = true;
  for (int i = 0; i < 60 && taken; ++i) taken = pool.submit([&] { opened.wait(); });
  REQUIRE(::setrlimit(RLIMIT_AS, &before) == 0);
  CHECK_FALSE(taken);
  gate.set_value();
  CHECK(eventually([&] { return pool.submit([] {}); }));
}
#endif
