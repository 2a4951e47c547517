#include "http/edge/service.hpp"

#include <array>
#include <exception>
#include <utility>

namespace signalbox::http {

namespace {

using Phase = RequestReader::Phase;

/// Beyond so many lingering workers, connections go back to the hub at once.
constexpr std::size_t lingering_max = 16;
/// Threads without a request in progress: those that linger, and those between two things.
constexpr std::size_t spare_threads = 8 * lingering_max;

Refusal draining() {
  return Refusal{.status = 503,
                 .code = ErrorCode::draining,
                 .message = "The daemon is shutting down.",
                 .retry_after_s = 1};
}

Refusal too_many() {
  return Refusal{.status = 429,
                 .code = ErrorCode::queue_full,
                 .message = "The daemon has as many requests in hand as it takes.",
                 .retry_after_s = 1};
}

}  // namespace

Service::Service(const ServerOptions& options, Answer answer, EarlyAnswer early_answer)
    : x_options(options),
      x_answer(std::move(answer)),
      x_pool({.threads_max = options.max_requests + spare_threads}),
      x_hub(
          options, [this](Connection& connection) { dispatch(connection); },
          std::move(early_answer)) {}

void Service::stop(std::chrono::milliseconds grace) {
  x_stopping = true;
  x_hub.close_idle();
  {
    std::unique_lock lock(x_mutex);
    x_request_ended.wait_for(lock, grace, [&] { return x_in_progress == 0; });
  }
  x_hub.shut_busy();
  x_pool.stop();
  x_hub.stop();
}

/// @returns why there is no room for another request, or nothing after having made room for it.
std::optional<Refusal> Service::admit() {
  // Counted first: either stop() sees this request, or this request sees stop().
  const std::size_t count = ++x_in_progress;
  if (!x_stopping && count <= x_options.max_requests) return std::nullopt;
  release();
  return x_stopping ? draining() : too_many();
}

void Service::release() {
  if (--x_in_progress > 0 || !x_stopping) return;
  const std::lock_guard lock(x_mutex);
  x_request_ended.notify_all();
}

/// From the hub's thread.
void Service::dispatch(Connection& connection) {
  if (const auto refusal = admit()) return x_hub.refuse(connection, *refusal);
  if (x_pool.submit([this, &connection] { serve(connection); })) return;
  release();
  x_hub.refuse(connection, too_many());
}

/// On a worker: answers admitted requests of one connection until there is none.
void Service::serve(Connection& connection) {
  for (;;) {
    const auto ending = answer(connection);
    if (ending) x_hub.finish(connection, *ending);
    release();
    if (ending || !await_next(connection)) return;
  }
}

/// @returns how the connection ends, or nothing when it goes on.
std::optional<Ending> Service::answer(Connection& connection) {
  connection.waited_phase = Phase::complete;
  try {
    Exchange exchange(x_hub, connection, x_options.write_timeout, x_stopping);
    x_answer(exchange);
    return exchange.ending();
  } catch (const std::exception&) {
    // Out of memory between the handler and the wire: this answer is lost.
    return Ending::reset;
  }
}

/// @returns whether another request is complete and admitted; else the connection is given up.
bool Service::await_next(Connection& connection) {
  auto phase = connection.reader.feed({});
  if (phase < Phase::complete) {
    if (!linger(connection)) {
      x_hub.finish(connection, Ending::now);
      return false;
    }
    phase = connection.reader.phase();
  }
  std::optional<Refusal> refusal;
  if (phase == Phase::refused) refusal = connection.reader.refusal();
  if (phase == Phase::complete) refusal = admit();
  if (refusal) {
    x_hub.refuse(connection, *refusal);
  } else if (phase != Phase::complete) {
    x_hub.park(connection);
  }
  return phase == Phase::complete && !refusal;
}

/// Waits a moment for more input. @returns false when the client has closed.
bool Service::linger(Connection& connection) {
  auto kind = Received::Kind::nothing_yet;
  if (x_lingering.fetch_add(1) < lingering_max) {
    std::array<char, 16 * 1024> buffer;
    const auto received = receive(connection.fd(), buffer, Patience::socket);
    connection.reader.feed({buffer.data(), received.size});
    kind = received.kind;
  }
  --x_lingering;
  return kind != Received::Kind::closed;
}

}  // namespace signalbox::http
