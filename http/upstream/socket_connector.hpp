// TCP and TLS connections to one backend: resolving, connecting within a time, verifying. Blocking
// sockets come out.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "http/upstream/base_url.hpp"
#include "http/upstream/cancellation.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace signalbox::http {

struct SocketTimeouts {
  /// For all addresses together, the TLS handshake on top.
  std::chrono::milliseconds connect{5'000};
  /// Between two bytes.
  std::chrono::milliseconds read{600'000};
  std::chrono::milliseconds write{60'000};
};

/// An open connection; closed with the object. Not shared between threads.
class ConnectedSocket {
 public:
  ConnectedSocket() = default;
  ConnectedSocket(int fd, ssl_st* ssl) : x_fd(fd), x_ssl(ssl) {}
  ~ConnectedSocket() { close(); }
  ConnectedSocket(ConnectedSocket&& other) noexcept;
  ConnectedSocket& operator=(ConnectedSocket&& other) noexcept;

  [[nodiscard]] bool is_open() const { return x_fd >= 0; }
  [[nodiscard]] int fd() const { return x_fd; }

  /// @returns as recv(): 0 at the peer's end, -1 with errno (EAGAIN = the read timeout is over).
  long receive(char* to, std::size_t size);
  /// Sends both pieces whole, one after the other. @returns false when the peer is gone or too
  /// slow.
  bool send(std::string_view first, std::string_view second);
  /// Waits until something can be read. @returns false when `timeout` is over first.
  [[nodiscard]] bool wait_readable(std::chrono::milliseconds timeout) const;
  /// @returns whether an idle connection may still be used: neither closed by the peer nor with
  /// bytes nobody asked for.
  [[nodiscard]] bool is_quiet() const;

  void close();
  /// Makes close() a reset. A server that is blocked in sending hears of an orderly end only when
  /// its next window probe is due, some never.
  void reset_on_close();

 private:
  int x_fd = -1;
  ssl_st* x_ssl = nullptr;
};

class SocketConnector {
 public:
  explicit SocketConnector(BaseUrl base);
  ~SocketConnector();
  SocketConnector(const SocketConnector&) = delete;
  SocketConnector& operator=(const SocketConnector&) = delete;

  /// The socket stays attached to `cancellation` when it is handed out. Names are resolved with the
  /// system's resolver, which cannot be interrupted, and remembered for 30 s.
  /// @returns backend_unreachable with the reason.
  Result<ConnectedSocket> connect(const SocketTimeouts& timeouts, Cancellation& cancellation);

 private:
  struct Address;
  using Addresses = std::shared_ptr<const std::vector<Address>>;

  Result<Addresses> resolve();
  void forget_addresses();
  Result<int> connect_tcp(const SocketTimeouts& timeouts, Cancellation& cancellation);
  Result<ssl_st*> start_tls(int fd, const SocketTimeouts& timeouts);
  ssl_ctx_st* tls_context();

  const BaseUrl x_base;
  std::mutex x_mutex;
  Addresses x_addresses;
  std::chrono::steady_clock::time_point x_addresses_until{};
  ssl_ctx_st* x_tls_context = nullptr;
};

}  // namespace signalbox::http
