// A worker's connections to its broker: short calls on connections that are kept, and the one
// stream that stays open. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "cli/worker/worker_answer.hpp"
#include "http/upstream/base_url.hpp"
#include "http/upstream/cancellation.hpp"
#include "http/upstream/sse_splitter.hpp"
#include "http/upstream/upstream_exchange.hpp"

namespace signalbox::cli {

struct LinkCall {
  std::string method = "POST";
  std::string path;
  /// Empty = none.
  std::string body;
  /// For all of it.
  std::chrono::milliseconds time_max{30'000};
};

struct LinkStream {
  std::string path;
  /// The broker has accepted.
  std::function<void()> on_open;
  std::function<void(const http::SseEvent&)> on_event;
};

class WorkerLink {
 public:
  /// @param idle_max connections kept open between calls.
  WorkerLink(const http::BaseUrl& base, std::string key, std::size_t idle_max);

  BrokerAnswer call(const LinkCall& call);

  /// Blocks until the stream ends: closed, silent for longer than three pings, or stop_listening().
  /// @returns status 200 when it was open before.
  BrokerAnswer listen(const LinkStream& stream);

  /// Ends listen(), if it is under way.
  void stop_listening();
  /// Ends all that is under way; nothing is called after that.
  void close();

 private:
  class Reader;
  /// Lets close() and stop_listening() reach a call while it lasts.
  class Entry;

  [[nodiscard]] http::OutgoingRequest make_request(std::string method, const std::string& path,
                                                   std::string_view accepted) const;

  const std::string x_prefix;
  const std::string x_key;
  http::ConnectionPool x_pool;
  /// Sockets keep the timeouts they were opened with, and those of the stream are others.
  http::ConnectionPool x_stream_pool;
  std::mutex x_mutex;
  std::set<http::Cancellation*> x_calls;
  http::Cancellation* x_listening = nullptr;
  bool x_is_closed = false;
};

}  // namespace signalbox::cli
