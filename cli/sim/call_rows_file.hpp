// Call rows as `signalbox get calls -o jsonl` prints them, read back.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client/failure.hpp"
#include "simulations/scenario/recording.hpp"

namespace signalbox::cli {

struct CallRowsFile {
  std::vector<sim::RecordedCall> calls;
  /// Rows of calls that never got a slot or have not ended: nobody knows how long they would have
  /// taken.
  std::size_t skipped = 0;
};

/// @param text one JSON object a line; blank lines are passed over. @param file_name for messages.
/// @returns the first line that is no call row.
Outcome<CallRowsFile> read_call_rows(std::string_view text, const std::string& file_name);

}  // namespace signalbox::cli
