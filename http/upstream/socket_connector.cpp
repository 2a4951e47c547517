#include "http/upstream/socket_connector.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace signalbox::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Long enough to spare a busy backend's calls the resolver, short enough to follow a moved name.
constexpr std::chrono::seconds addresses_kept{30};

int poll_one(int fd, short events, milliseconds timeout) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  for (;;) {
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<long long>(timeout.count(), 0)));
    if (ready >= 0 || errno != EINTR) return ready;
  }
}

void set_timeout(int fd, int option, milliseconds timeout) {
  timeval value{};
  value.tv_sec = timeout.count() / 1000;
  value.tv_usec = (timeout.count() % 1000) * 1000;
  ::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

void set_timeouts(int fd, milliseconds read, milliseconds write) {
  set_timeout(fd, SO_RCVTIMEO, read);
  set_timeout(fd, SO_SNDTIMEO, write);
}

Error unreachable(const BaseUrl& base, std::string_view why) {
  return make_error(ErrorCode::backend_unreachable, "no connection to " + base.host + " port " +
                                                        std::to_string(base.port) + ": " +
                                                        std::string(why));
}

std::string tls_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "the TLS handshake failed" : std::string("TLS: ") + text;
}

bool is_ip(const std::string& host) {
  return host.find(':') != std::string::npos ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

// -- ConnectedSocket ------------------------------------------------------------------------------

ConnectedSocket::ConnectedSocket(ConnectedSocket&& other) noexcept
    : x_fd(std::exchange(other.x_fd, -1)), x_ssl(std::exchange(other.x_ssl, nullptr)) {}

ConnectedSocket& ConnectedSocket::operator=(ConnectedSocket&& other) noexcept {
  if (this != &other) {
    close();
    x_fd = std::exchange(other.x_fd, -1);
    x_ssl = std::exchange(other.x_ssl, nullptr);
  }
  return *this;
}

long ConnectedSocket::receive(char* to, std::size_t size) {
  if (x_ssl != nullptr) {
    errno = 0;
    const int got = SSL_read(x_ssl, to, static_cast<int>(std::min<std::size_t>(size, 1 << 20)));
    if (got > 0) return got;
    const int why = SSL_get_error(x_ssl, got);
    ERR_clear_error();
    if (why == SSL_ERROR_ZERO_RETURN) return 0;
    if (why == SSL_ERROR_WANT_READ) errno = EAGAIN;
    if (errno == 0) errno = ECONNRESET;
    return -1;
  }
  for (;;) {
    const ssize_t got = ::recv(x_fd, to, size, 0);
    if (got >= 0 || errno != EINTR) return got;
  }
}

bool ConnectedSocket::send(std::string_view first, std::string_view second) {
  if (x_ssl != nullptr) {
    for (std::string_view piece : {first, second}) {
      while (!piece.empty()) {
        const auto size = static_cast<int>(std::min<std::size_t>(piece.size(), 1 << 20));
        const int sent = SSL_write(x_ssl, piece.data(), size);
        ERR_clear_error();
        if (sent <= 0) return false;
        piece.remove_prefix(static_cast<std::size_t>(sent));
      }
    }
    return true;
  }
  while (!first.empty() || !second.empty()) {
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                      {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t sent = ::sendmsg(x_fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    const auto count = static_cast<std::size_t>(sent);
    const std::size_t of_first = std::min(count, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(count - of_first);
  }
  return true;
}

bool ConnectedSocket::wait_readable(milliseconds timeout) const {
  if (x_ssl != nullptr && SSL_pending(x_ssl) > 0) return true;
  return poll_one(x_fd, POLLIN, timeout) != 0;
}

bool ConnectedSocket::is_quiet() const {
  char byte = 0;
  const ssize_t got = ::recv(x_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void ConnectedSocket::close() {
  // No close_notify: the peer may be gone, and a cancelled call must not wait for room to say
  // goodbye.
  if (x_ssl != nullptr) SSL_free(x_ssl);
  if (x_fd >= 0) ::close(x_fd);
  x_ssl = nullptr;
  x_fd = -1;
}

void ConnectedSocket::reset_on_close() {
  const linger none{.l_onoff = 1, .l_linger = 0};
  if (x_fd >= 0) ::setsockopt(x_fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

// -- SocketConnector ------------------------------------------------------------------------------

struct SocketConnector::Address {
  sockaddr_storage address{};
  socklen_t size = 0;
};

SocketConnector::SocketConnector(BaseUrl base) : x_base(std::move(base)) {
  // OpenSSL writes without MSG_NOSIGNAL. cpp-httplib's server ignores the signal as well.
  if (x_base.https) std::signal(SIGPIPE, SIG_IGN);
}

SocketConnector::~SocketConnector() {
  SSL_CTX_free(x_tls_context);
}

Result<ConnectedSocket> SocketConnector::connect(const SocketTimeouts& timeouts,
                                                 Cancellation& cancellation) {
  const auto fd = connect_tcp(timeouts, cancellation);
  if (!fd) return fd.error();
  ssl_st* ssl = nullptr;
  if (x_base.https) {
    const auto secured = start_tls(*fd, timeouts);
    if (!secured) {
      cancellation.detach();
      ::close(*fd);
      return secured.error();
    }
    ssl = *secured;
  }
  set_timeouts(*fd, timeouts.read, timeouts.write);
  return ConnectedSocket(*fd, ssl);
}

Result<SocketConnector::Addresses> SocketConnector::resolve() {
  {
    const std::scoped_lock lock(x_mutex);
    if (x_addresses && steady_clock::now() < x_addresses_until) return x_addresses;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = is_ip(x_base.host) ? AI_NUMERICHOST | AI_NUMERICSERV : AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(x_base.host.c_str(), std::to_string(x_base.port).c_str(), &hints, &found);
  if (failed != 0) return unreachable(x_base, ::gai_strerror(failed));
  auto addresses = std::make_shared<std::vector<Address>>();
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Address& address = addresses->emplace_back();
    std::memcpy(&address.address, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
  }
  ::freeaddrinfo(found);
  const std::scoped_lock lock(x_mutex);
  x_addresses = std::move(addresses);
  x_addresses_until = steady_clock::now() + addresses_kept;
  return x_addresses;
}

void SocketConnector::forget_addresses() {
  const std::scoped_lock lock(x_mutex);
  x_addresses = nullptr;
}

Result<int> SocketConnector::connect_tcp(const SocketTimeouts& timeouts,
                                         Cancellation& cancellation) {
  const auto addresses = resolve();
  if (!addresses) return addresses.error();
  const auto deadline = steady_clock::now() + timeouts.connect;
  int why = ETIMEDOUT;
  for (const Address& address : **addresses) {
    const int fd =
        ::socket(address.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
      why = errno;
      continue;
    }
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    bool good = cancellation.attach(fd);
    if (good &&
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address.address), address.size) != 0) {
      why = errno;
      // A cancel() before connect() has shut nothing down; one from now on ends the wait.
      good = why == EINPROGRESS && !cancellation.cancelled();
      const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
      if (good && poll_one(fd, POLLOUT, left) <= 0) {
        why = ETIMEDOUT;
        good = false;
      }
      socklen_t size = sizeof why;
      if (good) good = ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) == 0 && why == 0;
    }
    if (good && !cancellation.cancelled()) {
      ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
      return fd;
    }
    cancellation.detach();
    ::close(fd);
    if (cancellation.cancelled()) return unreachable(x_base, "the call was cancelled");
  }
  forget_addresses();
  return unreachable(x_base, std::strerror(why));
}

ssl_ctx_st* SocketConnector::tls_context() {
  const std::scoped_lock lock(x_mutex);
  if (x_tls_context == nullptr) {
    // Made once: reading the system's certificates takes milliseconds.
    x_tls_context = SSL_CTX_new(TLS_client_method());
    if (x_tls_context == nullptr) return nullptr;
    SSL_CTX_set_min_proto_version(x_tls_context, TLS1_2_VERSION);
    SSL_CTX_set_default_verify_paths(x_tls_context);
    SSL_CTX_set_verify(x_tls_context, SSL_VERIFY_PEER, nullptr);
  }
  return x_tls_context;
}

Result<ssl_st*> SocketConnector::start_tls(int fd, const SocketTimeouts& timeouts) {
  ssl_ctx_st* context = tls_context();
  ssl_st* ssl = context == nullptr ? nullptr : SSL_new(context);
  if (ssl == nullptr) return unreachable(x_base, tls_reason());
  set_timeouts(fd, timeouts.connect, timeouts.connect);
  bool good = SSL_set_fd(ssl, fd) == 1;
  if (is_ip(x_base.host)) {
    good = good && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), x_base.host.c_str()) == 1;
  } else {
    good = good && SSL_set_tlsext_host_name(ssl, x_base.host.c_str()) == 1 &&
           SSL_set1_host(ssl, x_base.host.c_str()) == 1;
  }
  if (good && SSL_connect(ssl) == 1) return ssl;
  const Error error = unreachable(x_base, tls_reason());
  SSL_free(ssl);
  return error;
}

}  // namespace signalbox::http
