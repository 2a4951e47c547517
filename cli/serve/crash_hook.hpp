// SIGNALBOX_CRASH_AT="<point>:<n>" in builds for tests: the process kills itself the n-th time it
// passes the point.
#pragma once

namespace signalbox::cli {

/// To be called before the first thread.
void install_crash_hook();

}  // namespace signalbox::cli
