// How a request travels:
//
//   accept ─▶ Hub ─ complete ─▶ worker ─▶ Exchange ─ Door (httplib) ─▶ Handler
//              ▲                                                         │
//              └──────── park ◀── linger a moment for the next ◀── answer┘
//
// httplib 0.11.4 accepts connections, dispatches, and writes whole answers. No byte of a client
// reaches its parsers, which have known holes: each request is read and checked by RequestReader
// and replayed to httplib as one fixed line; the request itself goes past it, in the Exchange.
#include "http/edge/server.hpp"

#include <fcntl.h>
#include <httplib.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "http/edge/exchange.hpp"
#include "http/edge/reply.hpp"
#include "http/edge/service.hpp"

namespace signalbox::http {

namespace {

constexpr int listen_backlog = 4096;

/// What httplib reads and writes instead of a socket.
class DoorStream final : public httplib::Stream {
 public:
  explicit DoorStream(Exchange& exchange)
      : x_exchange(exchange),
        // Whether it is HEAD is all of a request that httplib has to know.
        x_replay(exchange.is_head() ? "HEAD / HTTP/1.1\r\n\r\n" : "POST / HTTP/1.1\r\n\r\n") {}

  [[nodiscard]] bool is_readable() const override { return !x_replay.empty(); }
  [[nodiscard]] bool is_writable() const override { return true; }

  ssize_t read(char* into, std::size_t size) override {
    size = x_replay.copy(into, size);
    x_replay.remove_prefix(size);
    return static_cast<ssize_t>(size);
  }

  /// httplib writes head and body apart; the head waits here so that both leave in one packet.
  ssize_t write(const char* bytes, std::size_t size) override {
    // A stream has written itself by now; the answer httplib makes up for it is not wanted.
    if (x_exchange.answer() != Exchange::Answer::whole) return static_cast<ssize_t>(size);
    if (x_head.empty()) {
      x_head.assign(bytes, size);
      return static_cast<ssize_t>(size);
    }
    return flush({bytes, size}) ? static_cast<ssize_t>(size) : -1;
  }

  bool flush(std::string_view body = {}) {
    std::array parts = {part(x_head), part(body)};
    const bool sent = x_exchange.send_parts(parts);
    x_head.clear();
    return sent;
  }

  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  [[nodiscard]] socket_t socket() const override { return INVALID_SOCKET; }

 private:
  Exchange& x_exchange;
  std::string_view x_replay;
  std::string x_head;
};

/// Runs what httplib queues at once: its one task per connection only hands the socket over.
class InlineQueue final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override { task(); }
  void shutdown() override {}
};

/// httplib's part of the edge.
class Door final : public httplib::Server {
 public:
  using Adopt = std::function<void(Descriptor)>;

  Door(const ServerOptions& options, const http::Handler& handler, const EarlyAnswer& early_answer,
       Adopt adopt)
      : x_idle_timeout(options.idle_timeout), x_adopt(std::move(adopt)) {
    // The default options would let a second daemon share the port, and steal half of the callers.
    set_socket_options([](socket_t socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      // Inherited by accepted sockets: a caller whose machine vanished hangs up after all.
      const int quiet_s = 60;
      ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
      ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &quiet_s, sizeof quiet_s);
    });
    set_tcp_nodelay(true);
    // Becomes SO_RCVTIMEO of accepted sockets, which only lingering uses.
    set_read_timeout(linger_time);
    new_task_queue = [] { return new InlineQueue; };
    set_pre_routing_handler([&](const httplib::Request&, httplib::Response& answer) {
      current->run(handler, early_answer);
      if (current->answer() == Exchange::Answer::whole) fill(answer, *current);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler([this](const httplib::Request&, httplib::Response& answer) {
      correct_headers(answer, *current);
    });
  }

  ~Door() override { close(); }

  Result<std::uint16_t> open(const std::string& host, std::uint16_t port) {
    errno = 0;
    const int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
    // Again, because httplib's own backlog of 5 makes a burst of connects wait for a second SYN.
    if (bound > 0 && ::listen(svr_sock_, listen_backlog) == 0) {
      x_listener = Descriptor(::fcntl(svr_sock_, F_DUPFD_CLOEXEC, 0));
    }
    if (x_listener) return static_cast<std::uint16_t>(bound);
    const auto reason = errno == 0 ? "no such address" : std::generic_category().message(errno);
    return make_error(ErrorCode::invalid_request, "Cannot listen on " + host + " port " +
                                                      std::to_string(port) + ": " + reason + ".");
  }

  /// Accepts until shut(). httplib gives up on errors that pass (ENFILE, ENOMEM, ECONNABORTED) and
  /// closes its descriptor; the second one keeps the port and its backlog over that.
  void accept_until_shut() {
    for (;;) {
      listen_after_bind();
      svr_sock_ = INVALID_SOCKET;
      std::unique_lock lock(x_mutex);
      constexpr std::chrono::milliseconds breath{10};
      if (x_shut_down.wait_for(lock, breath, [&] { return x_shut; })) return;
      svr_sock_ = ::fcntl(x_listener.get(), F_DUPFD_CLOEXEC, 0);
    }
  }

  void shut() {
    const std::lock_guard lock(x_mutex);
    x_shut = true;
    x_shut_down.notify_all();
    if (x_listener) ::shutdown(x_listener.get(), SHUT_RDWR);
  }

  /// Frees the port. @pre accept_until_shut() is not running.
  void close() {
    x_listener = Descriptor();
    const Descriptor first(svr_sock_.exchange(INVALID_SOCKET));
  }

  /// Runs the handler and sends what it leaves.
  void answer(Exchange& exchange) {
    current = &exchange;
    DoorStream stream(exchange);
    bool ignored = false;  // what httplib makes of the replayed line; the exchange knows the truth
    process_request(stream, false, ignored, nullptr);
    stream.flush();
    current = nullptr;
  }

 private:
  /// Called for each accepted socket, whose owner we are.
  bool process_and_close_socket(socket_t socket) override {
    ::fcntl(socket, F_SETFD, FD_CLOEXEC);
    try {
      x_adopt(Descriptor(socket));
      return true;
    } catch (const std::exception&) {
      return false;  // out of memory: the connection is closed, the loop goes on
    }
  }

  static void fill(httplib::Response& answer, Exchange& exchange) {
    Response& response = exchange.response();
    answer.status = response.status;
    for (const auto& [name, value] : response.headers) {
      if (may_be_sent(name, value)) answer.headers.emplace(name, value);
    }
    if (!response.content_type.empty() && is_field_value(response.content_type)) {
      answer.headers.emplace("Content-Type", response.content_type);
    }
    answer.body = std::move(response.body);
  }

  /// httplib says some things that are not so here.
  void correct_headers(httplib::Response& answer, const Exchange& exchange) const {
    answer.headers.erase("Accept-Ranges");
    answer.headers.erase("Keep-Alive");
    if (!exchange.keeps_alive()) {
      answer.headers.emplace("Connection", "close");
    } else {
      const auto idle = std::chrono::floor<std::chrono::seconds>(x_idle_timeout).count();
      // Pooling clients close a little earlier by themselves, and never meet our closing.
      if (idle > 0) answer.headers.emplace("Keep-Alive", "timeout=" + std::to_string(idle));
      if (exchange.minor_version() == 0) answer.headers.emplace("Connection", "keep-alive");
    }
    if (answer.status == 204 || answer.status == 304) {
      answer.headers.erase("Content-Type");
      answer.headers.erase("Content-Length");
      answer.body.clear();
    }
  }

  /// httplib gives its handlers no context, but calls them on the thread that called it.
  static inline thread_local Exchange* current = nullptr;

  const std::chrono::milliseconds x_idle_timeout;
  const Adopt x_adopt;
  Descriptor x_listener;
  std::mutex x_mutex;
  std::condition_variable x_shut_down;
  bool x_shut = false;
};

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Handler handler, EarlyAnswer early_answer)
      : x_options(std::move(options)),
        x_handler(std::move(handler)),
        x_early_answer(std::move(early_answer)),
        x_door(x_options, x_handler, x_early_answer,
               [this](Descriptor socket) { x_service.adopt(std::move(socket)); }),
        x_service(
            x_options, [this](Exchange& exchange) { x_door.answer(exchange); }, x_early_answer) {}

  ~Impl() { stop(std::chrono::milliseconds(0)); }

  Result<std::uint16_t> bind() { return x_door.open(x_options.bind, x_options.port); }

  void run() {
    const bool service_runs = x_service.start();
    SIGNALBOX_ASSERT(service_runs);
    const bool acceptor_runs =
        x_acceptor.start("http-accept", [this] { x_door.accept_until_shut(); });
    SIGNALBOX_ASSERT(acceptor_runs);
  }

  void stop(std::chrono::milliseconds grace) {
    x_service.refuse_new();
    x_door.shut();
    x_acceptor.join();
    x_door.close();
    x_service.stop(grace);
  }

  [[nodiscard]] std::size_t requests_in_progress() const {
    return x_service.requests_in_progress();
  }

 private:
  const ServerOptions x_options;
  const Handler x_handler;
  const EarlyAnswer x_early_answer;
  Door x_door;
  Service x_service;
  Thread x_acceptor;
};

Server::Server(ServerOptions options, Handler handler, EarlyAnswer early_answer)
    : x_impl(std::make_unique<Impl>(std::move(options), std::move(handler),
                                    std::move(early_answer))) {}

Server::~Server() = default;

Result<std::uint16_t> Server::bind() {
  return x_impl->bind();
}

void Server::run() {
  x_impl->run();
}

void Server::stop(std::chrono::milliseconds grace) {
  x_impl->stop(grace);
}

std::size_t Server::requests_in_progress() const {
  return x_impl->requests_in_progress();
}

}  // namespace signalbox::http
