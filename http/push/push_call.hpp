// One call to a push worker from request to last event:
//
//   POST /v1/inference {prompt, …} ──▶ {job_id, sse_url} ──▶ GET sse_url ──▶ tokens ──▶ Finished
//
// Any of these may end in Failed instead, which push_errors.hpp tells apart. Nothing is followed
// to another host, and no key is ever sent.
#pragma once

#include <string>
#include <variant>

#include "core/ports.hpp"
#include "http/push/push_client.hpp"
#include "http/push/push_errors.hpp"
#include "http/push/push_request.hpp"
#include "http/upstream/base_url.hpp"
#include "http/upstream/cancellation.hpp"
#include "http/upstream/upstream_exchange.hpp"

namespace signalbox::http {

class PushCall {
 public:
  /// @param model sent with the request unless it is empty. @param pool of that worker.
  PushCall(const PushOptions& options, const BaseUrl& worker, std::string model,
           ConnectionPool& pool, BackendCall call, BackendListener listener);

  /// Blocks until the call has ended; the listener has had all events then but the last.
  /// @returns the last one, for the caller to hand over.
  [[nodiscard]] BackendEvent run(Cancellation& cancellation);

 private:
  [[nodiscard]] SocketTimeouts timeouts() const;
  /// @returns the path of the job's stream, or why there is none.
  std::variant<std::string, BackendFailed> submit(const PushRequest& request,
                                                  Cancellation& cancellation);
  BackendEvent read_stream(const PushRequest& request, std::string path,
                           Cancellation& cancellation);

  const PushOptions& x_options;
  const BaseUrl& x_worker;
  const std::string x_model;
  ConnectionPool& x_pool;
  const BackendCall x_call;
  const BackendListener x_listener;
  const PushErrors x_errors;
};

}  // namespace signalbox::http
