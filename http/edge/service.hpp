// From a new socket to a handled request: the hub, the workers, and who may have one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>

#include "http/edge/exchange.hpp"
#include "http/edge/hub.hpp"
#include "http/edge/server.hpp"
#include "http/edge/worker_pool.hpp"

namespace signalbox::http {

/// How long a worker stays with a connection it has answered. On a busy one the next request comes
/// within that time and is spared two thread switches. The listener sets it as SO_RCVTIMEO.
inline constexpr std::chrono::microseconds linger_time{1'000};

class Service {
 public:
  /// Runs the handler on the exchange and sends what it leaves. On a worker thread.
  using Answer = std::function<void(Exchange&)>;

  /// @param options outlives this.
  Service(const ServerOptions& options, Answer answer, EarlyAnswer early_answer);

  /// @returns false when the system refuses a thread or a descriptor.
  bool start() { return x_hub.start(); }

  void adopt(Descriptor socket) { x_hub.adopt(std::move(socket)); }

  /// From here on new requests are answered 503 `draining`, and answers close their connections.
  void refuse_new() { x_stopping = true; }

  /// Closes idle connections, lets requests in progress end for at most `grace`, shuts the sockets
  /// of the rest and waits for their handlers. @pre nobody adopts any more.
  void stop(std::chrono::milliseconds grace);

  [[nodiscard]] std::size_t requests_in_progress() const { return x_in_progress; }

 private:
  std::optional<Refusal> admit();
  void release();
  void dispatch(Connection& connection);
  void serve(Connection& connection);
  std::optional<Ending> answer(Connection& connection);
  bool await_next(Connection& connection);
  bool linger(Connection& connection);

  const ServerOptions& x_options;
  const Answer x_answer;
  std::atomic<bool> x_stopping = false;
  std::atomic<std::size_t> x_in_progress = 0;
  std::atomic<std::size_t> x_lingering = 0;
  std::mutex x_mutex;
  std::condition_variable x_request_ended;
  WorkerPool x_pool;
  Hub x_hub;
};

}  // namespace signalbox::http
