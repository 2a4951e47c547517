#include "cli/build_name.hpp"

#include "commit.hpp"

namespace signalbox::cli {

std::string build_name() {
  const std::string commit = SIGNALBOX_COMMIT;
  return SIGNALBOX_VERSION + (commit.empty() ? "" : " (" + commit + ")");
}

}  // namespace signalbox::cli
