// Every open connection, and the one thread that waits for all those nobody else is busy with:
// idle ones, requests that are still arriving, closed ones that have to be drained. A slow or
// silent client costs an entry here and no thread. Sleeps in epoll_wait until something happens.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "http/edge/body_budget.hpp"
#include "http/edge/hang_up_watch.hpp"
#include "http/edge/request_reader.hpp"
#include "http/edge/server.hpp"
#include "http/edge/socket.hpp"
#include "http/edge/thread.hpp"

namespace signalbox::http {

/// Has one user at a time: the hub's thread, or the worker it was handed to. Only that one touches
/// what is above the line; what is below belongs to the hub's mutex.
struct Connection {
  Connection(Descriptor socket, std::size_t body_bytes_max, BodyBudget& budget)
      : descriptor(std::move(socket)), reader(body_bytes_max), body_share(budget) {}

  [[nodiscard]] int fd() const { return descriptor.get(); }

  Descriptor descriptor;
  std::string remote_address;
  RequestReader reader;
  /// Of the body that is arriving.
  BodyBudget::Share body_share;
  /// What the client was last waited for, and since when. `complete` while a request is answered.
  RequestReader::Phase waited_phase = RequestReader::Phase::complete;
  TimePoint waiting_since;
  std::size_t drained_bytes = 0;

  // ---- guarded by the hub's mutex
  //   waiting ◀──▶ busy ──▶ draining ──▶ (closed)
  enum class Stage : std::uint8_t { busy, waiting, draining };
  std::uint64_t id = 0;
  Stage stage = Stage::busy;
  TimePoint deadline;
  std::shared_ptr<HangUpWatch> watch;
};

/// How a worker gives up a connection.
enum class Ending {
  /// What was sent shall arrive: half-closes, and reads on until the client closes too.
  orderly,
  /// The client must not take what it has for a whole answer.
  reset,
  /// There is nobody left to be polite to.
  now,
};

class Hub {
 public:
  /// Called by the hub's thread with a connection whose reader has a complete request; the callee,
  /// or a worker of its choice, is its user from now on. Must not block.
  using OnRequest = std::function<void(Connection&)>;

  Hub(const ServerOptions& options, OnRequest on_request, EarlyAnswer early_answer);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// @returns false when the system refuses a thread or a descriptor.
  bool start();

  /// Takes in a new connection. Closes it at once when there are too many.
  void adopt(Descriptor socket);

  /// Waits for the next request, or for the rest of one. Refuses it when bodies that have not come
  /// whole take up too much already. @pre the caller is the connection's user, and is so no longer.
  void park(Connection& connection);
  /// Closes. Same precondition.
  void finish(Connection& connection, Ending ending);
  /// Answers for the handler, and closes. Same precondition.
  void refuse(Connection& connection, const Refusal& refusal);

  /// Fires `watch` as soon as the client closes, half-closes or resets; at once if it has.
  /// Replaces an earlier watch. Null ends watching. @pre the caller is the connection's user.
  void watch(Connection& connection, std::shared_ptr<HangUpWatch> watch);

  /// Closes connections without a request in progress, now and from now on.
  void close_idle();
  /// Shuts the sockets of requests in progress: their writes fail, their watches fire.
  void shut_busy();
  /// Ends the thread and closes everything. @pre no connection has a user.
  void stop();

 private:
  using Deadlines = std::set<std::pair<TimePoint, std::uint64_t>>;

  void loop();
  [[nodiscard]] int milliseconds_to_sleep();
  void note_awake();
  void on_event(std::uint64_t id, std::uint32_t events);
  void expire();
  void close_waiting();

  void read_request(Connection& connection);
  void drain(Connection& connection);
  void time_out(Connection& connection);

  void wait_for_input(Connection& connection, Connection::Stage stage, TimePoint deadline);
  [[nodiscard]] TimePoint request_deadline(Connection& connection) const;
  void arm(const Connection& connection, std::uint32_t events) const;
  void claim(Connection& connection);
  void close(Connection& connection);
  void wake() const;

  const ServerOptions x_options;
  const OnRequest x_on_request;
  const EarlyAnswer x_early_answer;
  Descriptor x_epoll;
  Descriptor x_wake;
  Thread x_thread;
  /// Outlives the connections.
  BodyBudget x_body_budget;
  /// The hub's thread reads into this.
  std::array<char, 64 * 1024> x_scratch{};
  std::atomic<bool> x_closing_idle = false;
  std::atomic<bool> x_stopped = false;

  std::mutex x_mutex;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> x_connections;
  /// Of waiting and draining connections, soonest first.
  Deadlines x_deadlines;
  std::uint64_t x_last_id = 0;
  /// When the hub's thread wakes by itself; only an earlier deadline has to wake it.
  TimePoint x_sleeps_until = TimePoint::min();
};

}  // namespace signalbox::http
