// A server made of plain sockets, to misbehave exactly as a test wants. Each connection runs the
// script on a thread.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <thread>

namespace signalbox::http::test {

/// The server's end of one connection.
class Peer {
 public:
  explicit Peer(int fd, int number) : x_fd(fd), x_number(number) {
    const int yes = 1;
    ::setsockopt(x_fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  ~Peer() { ::close(x_fd); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] int fd() const { return x_fd; }
  /// Counts from 1.
  [[nodiscard]] int number() const { return x_number; }

  /// @returns the next request, head and body, or an empty string when the client has gone.
  std::string read_request() {
    std::string text;
    while (text.find("\r\n\r\n") == std::string::npos)
      if (!read_some(text)) return {};
    const auto body = text.find("\r\n\r\n") + 4;
    const auto length = text.find("Content-Length: ");
    const auto size = length == std::string::npos ? 0 : std::stoul(text.substr(length + 16));
    while (text.size() < body + size)
      if (!read_some(text)) return {};
    return text;
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(x_fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool answer(int status, std::string_view body, std::string_view headers = {},
              std::string_view type = "application/json") {
    return send("HTTP/1.1 " + std::to_string(status) + " Word\r\nContent-Type: " +
                std::string(type) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                std::string(headers) + "\r\n" + std::string(body));
  }
  bool begin_stream() {
    return send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  bool chunk(std::string_view data) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    return send(size + std::string(data) + "\r\n");
  }
  /// Closes with a reset instead of an orderly end.
  void reset_on_close() const {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(x_fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  /// Waits until the client closes. @returns false after 5 s.
  [[nodiscard]] bool wait_for_close() const {
    pollfd entry{.fd = x_fd, .events = POLLIN, .revents = 0};
    char rest[4096];
    while (::poll(&entry, 1, 5000) > 0)
      if (::recv(x_fd, rest, sizeof rest, 0) <= 0) return true;
    return false;
  }

 private:
  bool read_some(std::string& text) const {
    char piece[65536];
    const auto got = ::recv(x_fd, piece, sizeof piece, 0);
    if (got > 0) text.append(piece, static_cast<std::size_t>(got));
    return got > 0;
  }

  int x_fd;
  int x_number;
};

class RawServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit RawServer(Script script) : x_script(std::move(script)) {
    x_fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(x_fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(x_fd, 1024);
    socklen_t size = sizeof address;
    ::getsockname(x_fd, reinterpret_cast<sockaddr*>(&address), &size);
    x_port = ntohs(address.sin_port);
    x_acceptor = std::thread([this] { accept_all(); });
  }
  /// @pre all clients are gone, or the scripts end without them.
  ~RawServer() {
    ::shutdown(x_fd, SHUT_RDWR);
    x_acceptor.join();
    for (std::thread& thread : x_connections) thread.join();
    ::close(x_fd);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(x_port); }
  [[nodiscard]] int accepted() const { return x_accepted; }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept4(x_fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const int number = ++x_accepted;
      x_connections.emplace_back([this, fd, number] {
        Peer peer(fd, number);
        x_script(peer);
      });
    }
  }

  Script x_script;
  int x_fd = -1;
  std::uint16_t x_port = 0;
  std::atomic<int> x_accepted = 0;
  std::thread x_acceptor;
  std::list<std::thread> x_connections;
};

}  // namespace signalbox::http::test
