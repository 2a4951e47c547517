#include "cli/serve/crash_hook.hpp"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/crash_point.hpp"

namespace signalbox::cli {

#ifdef SIGNALBOX_CRASH_POINTS
namespace {

std::string wanted_point;
std::atomic<int> passes_left{0};

void pass(const char* point) {
  if (wanted_point == point && passes_left.fetch_sub(1) == 1) std::raise(SIGKILL);
}

}  // namespace

void install_crash_hook() {
  const char* wish = std::getenv("SIGNALBOX_CRASH_AT");
  if (wish == nullptr) return;
  const std::string_view text{wish};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return;
  int passes = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), passes);
  wanted_point = text.substr(0, colon);
  passes_left = passes;
  crash_hook = pass;
}
#else
void install_crash_hook() {}
#endif

}  // namespace signalbox::cli
