// One call to a backend from request to last event: what is sent, and what each piece of the answer
// means.
//
//   plain:      ── whole body ─────────────────────────────────────────▶ Finished
//   stream:     ── comments dropped ── first data ▶ Began ▶ Events … ── [DONE] ▶ Finished(body
//   assembled, tail) assembled:  asked as a stream, answered as plain; only so can llama.cpp be
//   cancelled at once
//
// Any of them ends in Failed instead. An answer that is no event stream is always plain; an event
// stream that answers a plain call is assembled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports.hpp"
#include "http/upstream/cancellation.hpp"
#include "http/upstream/sse_splitter.hpp"
#include "http/upstream/stream_assembler.hpp"
#include "http/upstream/upstream_client.hpp"
#include "http/upstream/upstream_exchange.hpp"

namespace signalbox::http {

/// What every call to a backend says about itself, whatever kind of backend it is.
void add_call_headers(OutgoingRequest& request, const BackendCall& call);

class UpstreamCall final : private AnswerReader {
 public:
  UpstreamCall(const UpstreamOptions& options, ConnectionPool& pool, BackendCall call,
               BackendListener listener);

  /// Blocks until the call has ended; the listener has had all events then but the last.
  /// @returns the last one, for the caller to hand over.
  [[nodiscard]] BackendEvent run(Cancellation& cancellation);

 private:
  enum class Mode : std::uint8_t { plain, stream, assembled };

  /// @returns the request as it goes out, or why there is none.
  Result<OutgoingRequest> make_request() const;
  Result<Bytes> make_body() const;

  Next on_head(const AnswerHead& head) override;
  Next on_body(std::string_view piece) override;
  void on_drained() override;

  Next take_events(const std::vector<SseEvent>& events);
  Next take_event(const SseEvent& event);
  Next take_error_event(const SseEvent& event);
  Next give_up(BackendFailed failure);
  void begin();
  BackendEvent conclude(const ExchangeResult& result);
  BackendEvent conclude_stream(const ExchangeResult& result);

  [[nodiscard]] bool succeeded() const { return x_head.status >= 200 && x_head.status < 300; }

  const UpstreamOptions& x_options;
  ConnectionPool& x_pool;
  const BackendCall x_call;
  const BackendListener x_listener;
  const Mode x_mode;

  AnswerHead x_head;
  bool x_head_seen = false;
  /// The answer is an event stream and is read as one.
  bool x_streaming = false;
  std::size_t x_received_bytes = 0;
  /// When the last piece of the content had come.
  Instant x_received_at{};
  /// Of a plain answer.
  std::string x_body;
  SseSplitter x_splitter;
  StreamAssembler x_assembler;
  /// Some event with data has come.
  bool x_data_seen = false;
  bool x_began = false;
  /// Events of this read, handed over together.
  std::string x_batch;
  /// Of the events in x_batch, those that carry data.
  std::uint32_t x_batch_count = 0;
  std::string x_tail;
  std::optional<BackendFailed> x_failure;
};

}  // namespace signalbox::http
