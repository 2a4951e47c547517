// Named places where a test may have the process killed, to see what survives: builds for tests
// call the hook there, all others do nothing.
#pragma once

namespace signalbox {

#ifdef SIGNALBOX_CRASH_POINTS
/// Set once, before the first thread; null = nothing happens.
inline void (*crash_hook)(const char* point) = nullptr;

inline void crash_point(const char* point) {
  if (crash_hook != nullptr) crash_hook(point);
}
#else
constexpr void crash_point(const char*) {}
#endif

}  // namespace signalbox
