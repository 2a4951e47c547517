// The Backend port for push workers: servers that take a prompt by POST /v1/inference and stream
// its tokens. One client for all of them; a worker costs a connection or two while it has work, and
// nothing otherwise.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/backends/answer_bound.hpp"
#include "core/ports.hpp"

namespace signalbox::http {

/// Where a worker is, by its heartbeat.
struct PushTarget {
  /// A name or an address, IPv6 without brackets.
  std::string host;
  std::uint16_t port = 0;
  /// Sent as `model` with each job; empty = left out, for a worker that has one only.
  std::string model;
};

struct PushOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  /// For the answer to POST /v1/inference.
  std::chrono::milliseconds answer_timeout{30'000};
  /// Between two bytes of a stream. Budgets of whole calls are the actors', by cancel().
  std::chrono::milliseconds read_timeout{600'000};
  /// Calls at once to all workers together; one more fails. Each needs a thread and a connection.
  std::size_t max_calls = 4096;
  /// A longer stream fails.
  std::size_t max_response_bytes = answer_bytes_max;
};

class PushClient {
 public:
  explicit PushClient(PushOptions options = {});
  /// Cancels what runs and waits for its last events; what is started after that fails. @pre not
  /// called from a listener.
  ~PushClient();
  PushClient(const PushClient&) = delete;
  PushClient& operator=(const PushClient&) = delete;

  /// Makes no connection yet. Handles for the same host and port share their connections. A handle
  /// may be kept longer than the client. Its list_models() fails: heartbeats tell what there is.
  /// Calls fail as push_errors.hpp says, and with backend_error and status 400 where a prompt
  /// cannot carry them. After cancel() the end is BackendFailed backend_stream_failed, unless the
  /// answer was complete before.
  [[nodiscard]] std::shared_ptr<Backend> backend_for(PushTarget target);

  /// Calls in progress.
  [[nodiscard]] std::size_t calls_in_progress() const;
  /// Workers whose handles are held or whose calls run.
  [[nodiscard]] std::size_t workers() const;

 private:
  class Workers;
  class Handle;
  std::shared_ptr<Workers> x_workers;
};

}  // namespace signalbox::http
