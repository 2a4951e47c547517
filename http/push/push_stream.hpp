// The token stream of one job, read: server-sent events in, an OpenAI answer out.
//
//   data: tok ──▶ TextGate (stop sequences, whole characters) ──▶ CompletionWriter ──▶ listener
//   data: [DONE], or a stop sequence ──▶ Finished        anything else ──▶ Failed
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports.hpp"
#include "http/push/push_errors.hpp"
#include "http/push/push_request.hpp"
#include "http/upstream/answer_collector.hpp"
#include "http/upstream/completion_writer.hpp"
#include "http/upstream/sse_splitter.hpp"
#include "http/upstream/text_gate.hpp"

namespace signalbox::http {

class PushStream final : public AnswerReader {
 public:
  /// @param listener told what comes if the call is a stream. @param bytes_max of the whole stream.
  PushStream(const PushRequest& request, const PushErrors& errors, const BackendCall& call,
             BackendListener listener, std::size_t bytes_max);

  Next on_head(const AnswerHead& head) override;
  Next on_body(std::string_view piece) override;
  void on_drained() override;

  /// What came in good order has been handed over before. @returns the last event.
  [[nodiscard]] BackendEvent conclude(const ExchangeResult& result);

 private:
  Next take_event(const SseEvent& event);
  Next take_token(std::string_view token);
  Next give_up(BackendFailed failure);
  /// The answer is whole: hands over what is left of it.
  void finish();
  void say(std::string_view text);
  void add_event(const std::string& event);
  [[nodiscard]] CompletionUsage usage() const;
  [[nodiscard]] std::string_view finish_reason() const;

  const PushRequest& x_request;
  const PushErrors& x_errors;
  const bool x_streaming;
  const BackendListener x_listener;
  const std::size_t x_bytes_max;
  const CompletionWriter x_writer;

  /// Set when the answer is no event stream: collects what it is instead.
  std::optional<AnswerCollector> x_other;
  bool x_head_seen = false;
  std::size_t x_received_bytes = 0;
  /// When the last piece of the stream had come.
  Instant x_received_at{};
  SseSplitter x_splitter;
  TextGate x_gate;
  std::int64_t x_tokens = 0;
  /// All text given out so far.
  std::string x_text;
  /// Events of this read, handed over together.
  std::string x_batch;
  std::uint32_t x_batch_count = 0;
  bool x_began = false;
  bool x_finished = false;
  std::optional<BackendFailed> x_failure;
};

}  // namespace signalbox::http
