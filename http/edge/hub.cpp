#include "http/edge/hub.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "http/edge/reply.hpp"

namespace signalbox::http {

namespace {

using Phase = RequestReader::Phase;
using Stage = Connection::Stage;

/// The event id of x_wake; connections count from 1.
constexpr std::uint64_t wake_id = 0;
constexpr std::size_t events_max = 256;
/// A client that was refused may go on sending for so long and so much before it is cut off.
/// Cutting at once would be a reset, which can destroy the refusal on its way.
constexpr std::chrono::milliseconds drain_timeout{2'000};
constexpr std::size_t drain_bytes_max = 32 * 1024 * 1024;

Refusal no_room_for_body() {
  return Refusal{.status = 429,
                 .code = ErrorCode::queue_full,
                 .message = "The daemon holds as many unfinished request bodies as it may.",
                 .retry_after_s = 1};
}

}  // namespace

Hub::Hub(const ServerOptions& options, OnRequest on_request, EarlyAnswer early_answer)
    : x_options(options),
      x_on_request(std::move(on_request)),
      x_early_answer(std::move(early_answer)),
      // The largest request there may be is always possible.
      x_body_budget(std::max(options.max_unfinished_body_bytes, options.max_body_bytes)) {}

Hub::~Hub() {
  stop();
}

bool Hub::start() {
  x_epoll = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  x_wake = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = wake_id;
  return x_epoll && x_wake &&
         ::epoll_ctl(x_epoll.get(), EPOLL_CTL_ADD, x_wake.get(), &event) == 0 &&
         x_thread.start("http-hub", [this] { loop(); });
}

void Hub::stop() {
  if (x_stopped.exchange(true)) return;
  if (x_wake) wake();
  x_thread.join();
  const std::lock_guard lock(x_mutex);
  for (const auto& [id, connection] : x_connections) {
    // Unread input would turn this close into a reset, and the last answer with it into nothing.
    while (connection->stage == Stage::draining && connection->drained_bytes < drain_bytes_max) {
      const auto received = receive(connection->fd(), x_scratch, Patience::none);
      if (received.kind != Received::Kind::bytes) break;
      connection->drained_bytes += received.size;
    }
  }
  x_deadlines.clear();
  x_connections.clear();
}

void Hub::adopt(Descriptor socket) {
  auto owned =
      std::make_unique<Connection>(std::move(socket), x_options.max_body_bytes, x_body_budget);
  owned->remote_address = peer_address(owned->fd());
  Connection& connection = *owned;
  {
    const std::lock_guard lock(x_mutex);
    if (x_connections.size() >= x_options.max_connections) return;
    connection.id = ++x_last_id;
    x_connections.emplace(connection.id, std::move(owned));
  }
  epoll_event event{};
  event.events = EPOLLONESHOT;
  event.data.u64 = connection.id;
  if (::epoll_ctl(x_epoll.get(), EPOLL_CTL_ADD, connection.fd(), &event) == 0) {
    park(connection);
  } else {
    close(connection);
  }
}

void Hub::loop() {
  std::array<epoll_event, events_max> events;
  while (!x_stopped) {
    const int count = ::epoll_wait(x_epoll.get(), events.data(), static_cast<int>(events.size()),
                                   milliseconds_to_sleep());
    note_awake();
    for (int i = 0; i < count; ++i) {
      const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
      if (id == wake_id) {
        std::uint64_t wakes = 0;
        [[maybe_unused]] const auto size = ::read(x_wake.get(), &wakes, sizeof wakes);
      } else {
        on_event(id, events[static_cast<std::size_t>(i)].events);
      }
    }
    expire();
    if (x_closing_idle) close_waiting();
  }
}

int Hub::milliseconds_to_sleep() {
  const std::lock_guard lock(x_mutex);
  if (x_deadlines.empty()) {
    x_sleeps_until = TimePoint::max();
    return -1;
  }
  x_sleeps_until = x_deadlines.begin()->first;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(x_sleeps_until - steady_now());
  return static_cast<int>(std::clamp<long>(left.count(), 0, 3'600'000));
}

/// Deadlines that are added from here on are seen before the next sleep.
void Hub::note_awake() {
  const std::lock_guard lock(x_mutex);
  x_sleeps_until = TimePoint::min();
}

void Hub::on_event(std::uint64_t id, std::uint32_t events) {
  std::unique_lock lock(x_mutex);
  const auto found = x_connections.find(id);
  if (found == x_connections.end()) return;
  Connection& connection = *found->second;
  const auto stage = connection.stage;
  if (stage == Stage::busy) {
    // A hang-up, unless the event is about input and was on its way when a worker took over.
    const auto watch = connection.watch;
    lock.unlock();
    if (watch && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) watch->fire();
    return;
  }
  claim(connection);
  lock.unlock();
  if (stage == Stage::waiting) {
    read_request(connection);
  } else {
    drain(connection);
  }
}

void Hub::expire() {
  const auto now = steady_now();
  for (;;) {
    std::unique_lock lock(x_mutex);
    if (x_deadlines.empty() || x_deadlines.begin()->first > now) return;
    Connection& connection = *x_connections.at(x_deadlines.begin()->second);
    const bool waiting = connection.stage == Stage::waiting;
    claim(connection);
    lock.unlock();
    if (waiting) {
      time_out(connection);
    } else {
      close(connection);
    }
  }
}

void Hub::close_waiting() {
  std::vector<Connection*> waiting;
  {
    const std::lock_guard lock(x_mutex);
    for (const auto& [id, connection] : x_connections) {
      if (connection->stage != Stage::waiting) continue;
      claim(*connection);
      waiting.push_back(connection.get());
    }
  }
  for (Connection* connection : waiting) close(*connection);
}

void Hub::read_request(Connection& connection) {
  const auto received = receive(connection.fd(), x_scratch, Patience::none);
  if (received.kind == Received::Kind::closed) return close(connection);
  if (received.kind == Received::Kind::nothing_yet) return park(connection);
  switch (connection.reader.feed({x_scratch.data(), received.size})) {
    case Phase::complete:
      connection.body_share.give_back();
      return x_on_request(connection);
    case Phase::refused:
      return refuse(connection, connection.reader.refusal());
    case Phase::idle:
    case Phase::head:
    case Phase::body:
      return park(connection);
  }
}

void Hub::drain(Connection& connection) {
  const auto received = receive(connection.fd(), x_scratch, Patience::none);
  connection.drained_bytes += received.size;
  if (received.kind == Received::Kind::closed || connection.drained_bytes > drain_bytes_max) {
    return close(connection);
  }
  wait_for_input(connection, Stage::draining, connection.waiting_since + drain_timeout);
}

void Hub::time_out(Connection& connection) {
  if (connection.reader.phase() == Phase::idle) return close(connection);
  refuse(connection, Refusal{.status = 408,
                             .code = ErrorCode::invalid_request,
                             .message = "The request did not arrive in time."});
}

void Hub::park(Connection& connection) {
  if (!connection.body_share.resize(connection.reader.body_bytes())) {
    return refuse(connection, no_room_for_body());
  }
  if (connection.reader.take_continue()) {
    std::array parts = {part("HTTP/1.1 100 Continue\r\n\r\n")};
    if (!send_all(connection.fd(), parts, std::chrono::milliseconds(0))) return close(connection);
  }
  connection.reader.shrink();
  wait_for_input(connection, Stage::waiting, request_deadline(connection));
}

void Hub::finish(Connection& connection, Ending ending) {
  if (ending == Ending::reset) reset_on_close(connection.fd());
  if (ending != Ending::orderly) return close(connection);
  ::shutdown(connection.fd(), SHUT_WR);
  std::array<char, 4096> ignored;
  // Most clients that asked for the close have closed by now or are about to.
  if (receive(connection.fd(), ignored, Patience::none).kind == Received::Kind::closed) {
    return close(connection);
  }
  connection.waiting_since = steady_now();
  wait_for_input(connection, Stage::draining, connection.waiting_since + drain_timeout);
}

void Hub::refuse(Connection& connection, const Refusal& refusal) {
  const std::string reply = refusal_reply(refusal, connection.reader.request_id(), x_early_answer);
  std::array parts = {part(reply)};
  // A client whose window is full of earlier answers is not waited for.
  const bool sent = send_all(connection.fd(), parts, std::chrono::milliseconds(0));
  connection.reader.discard();
  connection.body_share.give_back();
  finish(connection, sent ? Ending::orderly : Ending::now);
}

void Hub::watch(Connection& connection, std::shared_ptr<HangUpWatch> watch) {
  const bool watching = watch != nullptr;
  {
    const std::lock_guard lock(x_mutex);
    connection.watch = std::move(watch);
  }
  // Without EPOLLIN: a pipelined request is no hang-up. If left armed, the event finds no watch.
  if (watching) arm(connection, EPOLLRDHUP);
}

void Hub::close_idle() {
  x_closing_idle = true;
  if (x_wake) wake();
}

void Hub::shut_busy() {
  const std::lock_guard lock(x_mutex);
  for (const auto& [id, connection] : x_connections) {
    if (connection->stage == Stage::busy) ::shutdown(connection->fd(), SHUT_RDWR);
  }
}

/// The last thing its user does to a connection: from the arming on, the hub's thread has it.
void Hub::wait_for_input(Connection& connection, Stage stage, TimePoint deadline) {
  std::unique_lock lock(x_mutex);
  if (x_closing_idle && stage == Stage::waiting) {
    lock.unlock();
    return close(connection);
  }
  connection.stage = stage;
  connection.deadline = deadline;
  x_deadlines.emplace(deadline, connection.id);
  if (deadline < x_sleeps_until) wake();
  arm(connection, EPOLLIN);
}

TimePoint Hub::request_deadline(Connection& connection) const {
  const auto phase = connection.reader.phase();
  if (phase != connection.waited_phase) {
    connection.waited_phase = phase;
    connection.waiting_since = steady_now();
  }
  switch (phase) {
    case Phase::head:
      return connection.waiting_since + x_options.head_timeout;
    case Phase::body:
      return pace_deadline(connection.waiting_since, x_options.read_timeout,
                           connection.reader.body_bytes());
    case Phase::idle:
    case Phase::complete:
    case Phase::refused:
      break;
  }
  return connection.waiting_since + x_options.idle_timeout;
}

/// One event, then silence until armed again: no other thread is told meanwhile.
void Hub::arm(const Connection& connection, std::uint32_t events) const {
  epoll_event event{};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = connection.id;
  ::epoll_ctl(x_epoll.get(), EPOLL_CTL_MOD, connection.fd(), &event);
}

/// Makes the caller the user. @pre the mutex is held.
void Hub::claim(Connection& connection) {
  x_deadlines.erase({connection.deadline, connection.id});
  connection.stage = Stage::busy;
}

void Hub::close(Connection& connection) {
  decltype(x_connections)::node_type closed;  // its socket is closed when the lock is gone
  const std::lock_guard lock(x_mutex);
  closed = x_connections.extract(connection.id);
}

void Hub::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto size = ::write(x_wake.get(), &one, sizeof one);
}

}  // namespace signalbox::http
