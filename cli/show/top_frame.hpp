// The lines that `signalbox top` shows, out of what the daemon told. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "core/base/time.hpp"

namespace signalbox::cli {

struct TopView {
  std::string url;
  /// The last answer of GET /broker/state.
  std::string state;
  /// Why there is no newer one; empty = there is.
  std::string trouble = {};
  std::chrono::milliseconds silence{0};
};

struct FrameSize {
  /// Columns and lines; 0 = as many as it takes.
  std::size_t width = 0;
  std::size_t height = 0;
};

/// @pre check_json(view.state). @returns at most `size.height` lines of at most `size.width`
/// characters, without line ends. Tables that are too long say how many rows more there are; the
/// longest is cut first.
std::vector<std::string> make_frame(const TopView& view, const FrameSize& size, WallTime now);

}  // namespace signalbox::cli
