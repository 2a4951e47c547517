// The Backend port over HTTP: any server that speaks the OpenAI API (llama.cpp, vLLM, Ollama, LM
// Studio ...). A call has a thread of its own while it lasts; connections are kept between calls.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "core/backends/answer_bound.hpp"
#include "core/base/error.hpp"
#include "core/ports.hpp"
#include "http/upstream/base_url.hpp"

namespace signalbox::http {

inline constexpr std::string_view upstream_user_agent = "signalbox/0.1";

struct UpstreamOptions {
  BaseUrl base;
  config::UpstreamType type = config::UpstreamType::openai;
  /// Sent as `Authorization: Bearer`; empty = no key.
  std::string api_key;
  std::chrono::milliseconds connect_timeout{5'000};
  /// Between two bytes. Budgets of whole calls are the actors', by cancel().
  std::chrono::milliseconds read_timeout{600'000};
  /// Calls at once; one more fails. Each needs a thread and a connection.
  std::size_t max_calls = 1024;
  /// A larger answer fails.
  std::size_t max_response_bytes = answer_bytes_max;
};

/// Errors beyond what Backend says: an answer that is no 2xx is backend_error with the detail
/// `backend_status`, a 4xx with its status and JSON body as well. After cancel() the end is
/// BackendFailed backend_stream_failed, unless the answer was complete before.
class HttpBackend final : public Backend {
 public:
  explicit HttpBackend(UpstreamOptions options);
  /// Cancels what runs and waits for its last events. @pre not called from a listener.
  ~HttpBackend() override;
  HttpBackend(const HttpBackend&) = delete;
  HttpBackend& operator=(const HttpBackend&) = delete;

  std::uint64_t start(BackendCall call, BackendListener listener) override;
  void cancel(std::uint64_t call_number) override;
  /// Asks on a connection of its own, connect within 2 s, 5 s between bytes, 10 s in all.
  void list_models(std::function<void(Result<std::vector<BackendModel>>)> done) override;

  /// Calls in progress, model lists included.
  [[nodiscard]] std::size_t calls_in_progress() const;
  /// Connections made since the start, for tests and metrics.
  [[nodiscard]] std::uint64_t connects() const;

 private:
  class Impl;
  std::unique_ptr<Impl> x_impl;
};

}  // namespace signalbox::http
