// What one run has to tell the broker, in order, one POST at a time: chunks as they come, those
// that gathered meanwhile together, then the result. Pure: events and answers in, bodies out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cli/worker/worker_answer.hpp"
#include "core/ports.hpp"
#include "http/upstream/sse_splitter.hpp"

namespace signalbox::cli {

struct OutboxPost {
  bool is_result = false;
  std::string body;
  friend bool operator==(const OutboxPost&, const OutboxPost&) = default;
};

/// What follows an answer to a POST.
enum class OutboxStep : std::uint8_t {
  /// Send what is next.
  go_on,
  /// Send the same again after a pause.
  later,
  /// The local call is of no use any more; send what is next, which is the end.
  abort_local,
  /// Nothing more is to be sent.
  over,
  /// As `over`; the broker has forgotten the session.
  session_gone,
  /// As `over`; the key does not do.
  unauthorized,
};

class RunOutbox {
 public:
  /// @param attempt of the task's frame. @param post_bytes_max of chunks in one POST; a larger
  /// chunk goes alone.
  explicit RunOutbox(std::uint64_t attempt, std::size_t post_bytes_max = std::size_t{1024} * 1024)
      : x_attempt{attempt}, x_post_bytes_max{post_bytes_max} {}

  /// What the local server did. Nothing counts after its end.
  void add(const BackendEvent& event);

  /// @returns whether next() has something.
  [[nodiscard]] bool has_next() const { return !x_chunks.empty() || x_result.has_value(); }

  /// @pre has_next(). The POST is in flight from now on, until settle().
  OutboxPost next();

  OutboxStep settle(const BrokerAnswer& answer);

 private:
  void add_events(std::string_view events);
  void finish(const BackendFinished& finished);
  OutboxStep settle_chunks(AnswerKind kind, const BrokerAnswer& answer);
  OutboxStep settle_result(AnswerKind kind, const BrokerAnswer& answer);
  /// Gives the run another end than the local server's.
  void replace_result(const std::string& message, bool is_retryable);

  const std::uint64_t x_attempt;
  const std::size_t x_post_bytes_max;
  http::SseSplitter x_splitter;
  std::deque<std::string> x_chunks;
  /// Of x_chunks, at the front.
  std::size_t x_chunks_in_flight = 0;
  bool x_is_streaming = false;
  std::optional<std::string> x_result;
  bool x_is_replaced = false;
};

}  // namespace signalbox::cli
