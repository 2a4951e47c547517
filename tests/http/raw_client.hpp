// A client that says exactly the bytes it is told to, and an edge to say them to.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "http/edge/server.hpp"

namespace signalbox::http::test {

using namespace std::chrono_literals;

/// Every wait in these tests ends after so long, and then the test fails.
inline constexpr std::chrono::milliseconds patience{5'000};

/// Polls because what is waited for is often state of the system, which notifies nobody.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// For handlers: Catch's macros are for the test's own thread only. A failure becomes a 500 or a
/// cut stream, which the client of the test sees.
inline void must(bool condition) {
  if (!condition) throw std::runtime_error("a handler's expectation");
}

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
  /// The body came to its proper end.
  bool complete = false;

  [[nodiscard]] bool has(std::string_view text) const {
    return head.find(text) != std::string::npos;
  }
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : x_fd(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    x_connected = ::connect(x_fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : x_fd(std::exchange(other.x_fd, -1)),
        x_connected(other.x_connected),
        x_received(std::move(other.x_received)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  [[nodiscard]] bool connected() const { return x_connected; }
  [[nodiscard]] int fd() const { return x_fd; }

  void close() {
    if (x_fd >= 0) ::close(std::exchange(x_fd, -1));
  }
  void half_close() const { ::shutdown(x_fd, SHUT_WR); }
  void reset() {
    const linger abort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(x_fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    close();
  }

  /// @returns false when the other side takes no more.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(x_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Takes what comes next. @returns false at the end of the stream, on a reset and on a time-out.
  bool receive_more() {
    pollfd waiting{.fd = x_fd, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return false;
    char buffer[65536];
    const auto size = ::recv(x_fd, buffer, sizeof buffer, 0);
    x_reset = size < 0 && errno == ECONNRESET;
    x_closed = size == 0 || x_reset;
    if (size > 0) x_received.append(buffer, static_cast<std::size_t>(size));
    return size > 0;
  }

  bool wait_for(std::string_view text) {
    while (x_received.find(text) == std::string::npos) {
      if (!receive_more()) return false;
    }
    return true;
  }

  /// @returns whether the other side closes, whatever it says before.
  bool wait_for_close() {
    while (receive_more()) {
    }
    return x_closed;
  }
  [[nodiscard]] bool was_reset() const { return x_reset; }

  /// One reply off the stream. @param bodiless it answers a HEAD.
  Reply reply(bool bodiless = false) {
    Reply reply;
    if (!wait_for("\r\n\r\n")) return reply;
    const auto head_size = x_received.find("\r\n\r\n") + 4;
    reply.head = take(head_size);
    reply.status = std::stoi(reply.head.substr(9, 3));
    if (bodiless || reply.status == 100 || reply.status == 204 || reply.status == 304) {
      reply.complete = true;
    } else if (reply.has("Transfer-Encoding: chunked")) {
      read_chunks(reply);
    } else if (const auto at = reply.head.find("Content-Length: "); at != std::string::npos) {
      read_exactly(reply, std::stoul(reply.head.substr(at + 16)));
    } else {
      reply.complete = wait_for_close() && !x_reset;
      reply.body = std::exchange(x_received, {});
    }
    return reply;
  }

  Reply ask(std::string_view bytes) {
    send(bytes);
    return reply();
  }

  [[nodiscard]] const std::string& received() const { return x_received; }

 private:
  std::string take(std::size_t size) {
    auto taken = x_received.substr(0, size);
    x_received.erase(0, size);
    return taken;
  }

  void read_exactly(Reply& reply, std::size_t size) {
    while (x_received.size() < size && receive_more()) {
    }
    reply.complete = x_received.size() >= size;
    reply.body = take(size);
  }

  void read_chunks(Reply& reply) {
    for (;;) {
      if (!wait_for("\r\n")) return;
      const auto line = take(x_received.find("\r\n") + 2);
      const auto size = std::stoul(line, nullptr, 16);
      while (x_received.size() < size + 2) {
        if (!receive_more()) return;
      }
      reply.body += take(size);
      x_received.erase(0, 2);
      if (size == 0) {
        reply.complete = true;
        return;
      }
    }
  }

  int x_fd;
  bool x_connected = false;
  bool x_closed = false;
  bool x_reset = false;
  std::string x_received;
};

inline Response error_body(const EarlyError& error) {
  Response response;
  response.body = std::to_string(error.status) + " " + std::string(to_string(error.code)) + " " +
                  std::string(error.message);
  return response;
}

/// Says what it was asked: method, path, query and body, one per line.
inline void echo(const Request& request, Responder& responder) {
  Response response;
  response.content_type = "text/plain";
  response.body = request.method + "\n" + request.path + "\n" + request.query + "\n" + request.body;
  responder.send(std::move(response));
}

/// Options that make a test end soon when something is stuck.
inline ServerOptions test_options() {
  ServerOptions options;
  options.port = 0;
  return options;
}

/// A running edge on a free port.
class Edge {
 public:
  explicit Edge(Handler handler = echo, ServerOptions options = test_options())
      : x_server(std::move(options), std::move(handler), error_body), x_port(*x_server.bind()) {
    x_server.run();
  }

  [[nodiscard]] RawClient connect() const { return RawClient(x_port); }
  [[nodiscard]] std::uint16_t port() const { return x_port; }
  Server& server() { return x_server; }

 private:
  Server x_server;
  std::uint16_t x_port;
};

inline const std::string get = "GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A POST of `body` with its length.
inline std::string post(std::string_view body, std::string_view more_headers = {}) {
  return "POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(more_headers) + "\r\n" + std::string(body);
}

}  // namespace signalbox::http::test
