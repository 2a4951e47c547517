// Chunked transfer coding, taken off a request body as its bytes arrive (RFC 9112 7.1). Pure.
// httplib 0.11.4 forgets the body limit here and takes negative sizes, so it never sees a chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/edge/request_head.hpp"

namespace signalbox::http {

/// One body. What carries no content is bounded as a whole: size lines' extensions and trailers
/// together take at most `overhead_bytes_max`.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(std::size_t body_bytes_max) : x_body_bytes_max(body_bytes_max) {}

  /// Takes what it can from the front of `bytes` and appends the content to `body`. A line that is
  /// not all there yet is left alone: call again with it and what follows it.
  /// @returns how many bytes were taken.
  std::size_t decode(std::string_view bytes, std::string& body);

  [[nodiscard]] bool is_done() const { return x_state == State::done; }
  /// 400 for anything malformed, 413 as soon as a chunk announces too much.
  [[nodiscard]] const std::optional<Refusal>& refusal() const { return x_refusal; }

 private:
  //   size ──▶ data ──▶ data_end ──▶ size
  //     └── 0 ──▶ trailer ──▶ done
  enum class State { size, data, data_end, trailer, done };

  void read_size(std::string_view line);
  void read_trailer(std::string_view line);
  void fail(int status, ErrorCode code, std::string message);

  std::size_t x_body_bytes_max;
  State x_state = State::size;
  std::uint64_t x_chunk_left = 0;
  std::size_t x_body_bytes = 0;
  std::size_t x_overhead_bytes = 0;
  std::optional<Refusal> x_refusal;
};

}  // namespace signalbox::http
