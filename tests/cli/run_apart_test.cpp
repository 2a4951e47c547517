// Goal: whatever work does in a process of its own, this one hears of it and goes on. Method: work
// that tells, that breaks, that says much, and that never ends.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "cli/sim/run_apart.hpp"

namespace signalbox::cli {
namespace {

using namespace std::chrono_literals;
using Ending = ApartResult::Ending;

}  // namespace

TEST_CASE("run apart: what the work returns comes back", "[cli][run_apart]") {
  int touched = 0;
  const auto result = run_apart(
      [&] {
        touched = 1;
        std::fputs("noise", stderr);
        return std::string{"I7"};
      },
      20s);
  CHECK(result.ending == Ending::told);
  CHECK(result.text == "I7");
  CHECK(touched == 0);
  CHECK(run_apart([] { return std::string{}; }, 20s).text.empty());
}

TEST_CASE("run apart: a death is told with its last words", "[cli][run_apart]") {
  const auto result = run_apart(
      []() -> std::string {
        // Not for the test program to report.
        std::signal(SIGABRT, SIG_DFL);
        std::fputs("file.cpp:7: broken: x > 0\n", stderr);
        std::abort();
      },
      20s);
  CHECK(result.ending == Ending::died);
  CHECK(result.text == "file.cpp:7: broken: x > 0\n");
}

TEST_CASE("run apart: more than a pipe holds is read, and cut", "[cli][run_apart]") {
  const auto result = run_apart([] { return std::string(1'000'000, 'x'); }, 20s);
  CHECK(result.ending == Ending::told);
  CHECK(result.text.size() >= 65'536);
  CHECK(result.text.size() < 80'000);
}

TEST_CASE("run apart: what does not end is ended", "[cli][run_apart]") {
  const auto result = run_apart(
      []() -> std::string {
        while (true) pause();
      },
      200ms);
  CHECK(result.ending == Ending::late);
}

}  // namespace signalbox::cli
