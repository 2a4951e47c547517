#include "http/upstream/upstream_exchange.hpp"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

namespace signalbox::http {

// The library is compiled apart: without its pkg-config flags these types would have other sizes
// here than there.
static_assert(sizeof(httplib::Request) == 608 && sizeof(httplib::ClientImpl) == 968,
              "compile with the flags of cpp-httplib's pkg-config file");

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using End = ExchangeResult::End;
using Next = AnswerReader::Next;

/// llama-server closes after 5 s without a request.
constexpr std::chrono::seconds idle_kept{4};
/// How long the end of an answer may take once its content is known to be complete.
constexpr milliseconds rest_awaited{20};
/// Bounds that cpp-httplib lacks. The status line meets std::regex, which recurses per byte. Unit:
/// bytes.
constexpr std::size_t head_bytes_max = 64 * 1024;
constexpr std::size_t status_line_bytes_max = 1024;
/// Between two pieces of content.
constexpr std::size_t chunk_framing_bytes_max = 8 * 1024;

bool is_clean(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  });
}

bool has_token(std::string_view list, std::string_view token) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return std::search(list.begin(), list.end(), token.begin(), token.end(), same) != list.end();
}

/// cpp-httplib's view of a connection: collects what it writes into one send, reads ahead, keeps
/// the bounds, and remembers why a read failed, which cpp-httplib does not tell.
class MeteredStream final : public httplib::Stream {
 public:
  MeteredStream(ConnectedSocket& socket, AnswerReader& reader, const Cancellation& cancellation,
                steady_clock::time_point deadline)
      : x_socket(socket), x_reader(reader), x_cancellation(cancellation), x_deadline(deadline) {}

  [[nodiscard]] bool is_readable() const override { return true; }
  [[nodiscard]] bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  [[nodiscard]] socket_t socket() const override { return x_socket.fd(); }

  void head_is_complete(bool close_delimited) {
    x_in_head = false;
    x_close_delimited = close_delimited;
  }
  /// Content has been taken: what follows is framing of another chunk.
  void content_taken() { x_framing_bytes = 0; }
  void hurry(steady_clock::time_point deadline) { x_deadline = std::min(x_deadline, deadline); }

  [[nodiscard]] bool answered() const { return x_answered; }
  [[nodiscard]] bool closed() const { return x_closed; }
  [[nodiscard]] bool timed_out() const { return x_timed_out; }
  [[nodiscard]] bool used_up() const { return x_begin == x_end && !x_write_failed; }
  /// The last bytes read are those that end a chunked body. cpp-httplib takes a chunk with a wrong
  /// end for the last one.
  [[nodiscard]] bool ends_chunked() const { return x_tail == std::array{'\r', '\n', '\r', '\n'}; }

 private:
  bool flush(std::string_view more);
  bool refill();
  /// @returns false when the head is over its bounds.
  bool admit_head_byte(char byte);

  ConnectedSocket& x_socket;
  AnswerReader& x_reader;
  const Cancellation& x_cancellation;
  steady_clock::time_point x_deadline;
  std::string x_unsent;
  std::array<char, 16 * 1024> x_buffer;
  std::size_t x_begin = 0;
  std::size_t x_end = 0;
  std::size_t x_head_bytes = 0;
  std::size_t x_framing_bytes = 0;
  std::array<char, 4> x_tail{};
  bool x_in_head = true;
  bool x_in_status_line = true;
  bool x_close_delimited = false;
  bool x_answered = false;
  bool x_closed = false;
  bool x_timed_out = false;
  bool x_write_failed = false;
};

ssize_t MeteredStream::write(const char* from, size_t size) {
  const std::string_view piece(from, size);
  if (x_unsent.size() + size <= x_buffer.size()) {
    x_unsent += piece;
    return static_cast<ssize_t>(size);
  }
  return flush(piece) ? static_cast<ssize_t>(size) : -1;
}

/// A backend may answer and close before it has read everything, so a failed send only ends the
/// sending.
bool MeteredStream::flush(std::string_view more) {
  if (!x_write_failed && !x_socket.send(x_unsent, more)) {
    x_write_failed = true;
    x_timed_out = errno == EAGAIN || errno == EWOULDBLOCK;
  }
  x_unsent.clear();
  return !x_timed_out;
}

ssize_t MeteredStream::read(char* to, size_t size) {
  if (x_begin == x_end && !refill()) return x_closed && x_close_delimited ? 0 : -1;
  const std::size_t count = std::min(size, x_end - x_begin);
  std::copy_n(x_buffer.data() + x_begin, count, to);
  x_begin += count;
  // Heads and chunk sizes are read byte by byte.
  if (x_in_head) return admit_head_byte(*to) ? static_cast<ssize_t>(count) : -1;
  if (size == 1 && ++x_framing_bytes > chunk_framing_bytes_max) return -1;
  for (std::size_t i = count - std::min<std::size_t>(count, 4); i < count; ++i) {
    std::rotate(x_tail.begin(), x_tail.begin() + 1, x_tail.end());
    x_tail.back() = to[i];
  }
  return static_cast<ssize_t>(count);
}

bool MeteredStream::refill() {
  if (!x_unsent.empty() && !flush({})) return false;
  x_reader.on_drained();
  // A socket that is shut down still hands out what it had received, which may be megabytes.
  if (x_cancellation.cancelled()) return false;
  if (x_deadline != steady_clock::time_point::max()) {
    const auto left = std::chrono::ceil<milliseconds>(x_deadline - steady_clock::now());
    x_timed_out = left.count() <= 0 || !x_socket.wait_readable(left);
    if (x_timed_out) return false;
  }
  const long got = x_socket.receive(x_buffer.data(), x_buffer.size());
  if (got <= 0) {
    x_timed_out = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    x_closed = !x_timed_out;
    // Only an orderly end may stand for the end of a body; an abort never does.
    if (got < 0) x_close_delimited = false;
    return false;
  }
  x_answered = true;
  x_begin = 0;
  x_end = static_cast<std::size_t>(got);
  return true;
}

bool MeteredStream::admit_head_byte(char byte) {
  ++x_head_bytes;
  if (byte == '\n') x_in_status_line = false;
  return x_head_bytes <= (x_in_status_line ? status_line_bytes_max : head_bytes_max);
}

/// Opens up the one member function we need. Its own socket is never opened.
class Dialogue final : public httplib::ClientImpl {
 public:
  Dialogue(const std::string& host, int port) : httplib::ClientImpl(host, port) {
    set_decompress(false);
    set_url_encode(false);
    set_follow_location(false);
  }
  bool run(httplib::Stream& stream, httplib::Request& request, httplib::Response& response) {
    auto error = httplib::Error::Success;
    return process_request(stream, request, response, false, error);
  }
};

}  // namespace

class ConnectionPool::Connection {
 public:
  Connection(const BaseUrl& base, ConnectedSocket socket)
      : x_base(base), x_socket(std::move(socket)), x_dialogue(base.host, base.port) {}

  /// @param answered set when the backend sent any byte. @param reusable set when the connection
  /// may be kept.
  End run(const OutgoingRequest& request, AnswerReader& reader, const Cancellation& cancellation,
          steady_clock::time_point deadline, bool& answered, bool& reusable);

  [[nodiscard]] const ConnectedSocket& socket() const { return x_socket; }

 private:
  [[nodiscard]] httplib::Request make_request(const OutgoingRequest& request) const;

  const BaseUrl& x_base;
  ConnectedSocket x_socket;
  Dialogue x_dialogue;
};

httplib::Request ConnectionPool::Connection::make_request(const OutgoingRequest& request) const {
  httplib::Request out;
  out.method = request.method;
  out.path = request.path;
  out.headers.emplace("Host", host_header(x_base));
  for (const auto& [name, value] : request.headers)
    if (is_clean(value)) out.headers.emplace(name, value);
  if (request.body && !request.body->empty()) {
    // Handed over by reference: `Request::body` would copy it.
    out.content_length_ = request.body->size();
    out.content_provider_ = [body = request.body](size_t offset, size_t length,
                                                  httplib::DataSink& sink) {
      return sink.write(body->data() + offset, length);
    };
  }
  return out;
}

End ConnectionPool::Connection::run(const OutgoingRequest& request, AnswerReader& reader,
                                    const Cancellation& cancellation,
                                    steady_clock::time_point deadline, bool& answered,
                                    bool& reusable) {
  MeteredStream stream(x_socket, reader, cancellation, deadline);
  bool head_seen = false;
  bool chunked = false;
  bool has_length = false;
  Next next = Next::more;
  const auto follow = [&](Next wanted) {
    if (next == Next::more && wanted == Next::rest)
      stream.hurry(steady_clock::now() + rest_awaited);
    if (next != Next::stop && wanted != Next::more) next = wanted;
    return next != Next::stop;
  };
  const auto take_head = [&](const httplib::Response& response) {
    head_seen = true;
    chunked = has_token(response.get_header_value("Transfer-Encoding"), "chunked");
    has_length = response.has_header("Content-Length");
    stream.head_is_complete(!chunked && !has_length);
    return follow(reader.on_head({.status = response.status,
                                  .content_type = response.get_header_value("Content-Type"),
                                  .content_encoding = response.get_header_value("Content-Encoding"),
                                  .retry_after = response.get_header_value("Retry-After")}));
  };
  httplib::Request out = make_request(request);
  httplib::Response response;
  out.response_handler = take_head;
  out.content_receiver = [&](const char* data, size_t size, std::uint64_t, std::uint64_t) {
    stream.content_taken();
    return follow(reader.on_body(std::string_view(data, size)));
  };
  bool good = x_dialogue.run(stream, out, response);
  if (good && !head_seen) good = take_head(response);
  if (good && chunked) good = stream.ends_chunked();
  answered = stream.answered();
  reusable = good && response.version == "HTTP/1.1" && stream.used_up() &&
             (chunked || has_length || response.status == 204) &&
             !has_token(response.get_header_value("Connection"), "close");
  // What is left of the answer is not wanted any more, and the backend shall notice at once.
  if (!good) x_socket.reset_on_close();
  if (next == Next::stop) return End::stopped;
  if (good || next == Next::rest) return End::complete;
  if (stream.timed_out()) return End::timed_out;
  return stream.closed() ? End::closed : End::malformed;
}

// -- ConnectionPool -------------------------------------------------------------------------------

ConnectionPool::ConnectionPool(BaseUrl base, std::size_t idle_max)
    : x_base(std::move(base)), x_idle_max(idle_max), x_connector(x_base) {}

ConnectionPool::~ConnectionPool() = default;

ExchangeResult ConnectionPool::exchange(const OutgoingRequest& request, AnswerReader& reader,
                                        Cancellation& cancellation, const SocketTimeouts& timeouts,
                                        steady_clock::time_point deadline) {
  std::unique_ptr<Connection> connection = take_idle();
  for (bool fresh = connection == nullptr;; fresh = true) {
    if (cancellation.cancelled()) return {.end = End::cancelled, .error = {}};
    if (fresh) {
      auto socket = x_connector.connect(timeouts, cancellation);
      if (cancellation.cancelled()) {
        cancellation.detach();
        return {.end = End::cancelled, .error = {}};
      }
      if (!socket) return {.end = End::unreachable, .error = std::move(socket).error()};
      connection = std::make_unique<Connection>(x_base, std::move(*socket));
      const std::scoped_lock lock(x_mutex);
      ++x_connects;
    } else if (!cancellation.attach(connection->socket().fd())) {
      return {.end = End::cancelled, .error = {}};
    }
    bool answered = false;
    bool reusable = false;
    const End end = connection->run(request, reader, cancellation, deadline, answered, reusable);
    const bool cancelled = !cancellation.detach();
    if (reusable && !cancelled) {
      keep(std::move(connection));
    } else {
      connection.reset();
    }
    if (cancelled && end != End::complete) return {.end = End::cancelled, .error = {}};
    if (fresh || answered || end != End::closed) return {.end = end, .error = {}};
  }
}

std::unique_ptr<ConnectionPool::Connection> ConnectionPool::take_idle() {
  const auto oldest = steady_clock::now() - idle_kept;
  for (;;) {
    std::unique_ptr<Connection> connection;
    {
      const std::scoped_lock lock(x_mutex);
      if (x_idle.empty() || x_idle.back().since < oldest) return nullptr;
      connection = std::move(x_idle.back().connection);
      x_idle.pop_back();
    }
    if (connection->socket().is_quiet()) return connection;
  }
}

void ConnectionPool::keep(std::unique_ptr<Connection> connection) {
  const std::scoped_lock lock(x_mutex);
  if (x_idle.size() < x_idle_max)
    x_idle.push_back({.connection = std::move(connection), .since = steady_clock::now()});
}

void ConnectionPool::prune() {
  std::vector<Idle> old;
  const auto oldest = steady_clock::now() - idle_kept;
  const std::scoped_lock lock(x_mutex);
  while (!x_idle.empty() && x_idle.front().since < oldest) {
    old.push_back(std::move(x_idle.front()));
    x_idle.pop_front();
  }
}

std::size_t ConnectionPool::idle_count() const {
  const std::scoped_lock lock(x_mutex);
  return x_idle.size();
}

std::uint64_t ConnectionPool::connects() const {
  const std::scoped_lock lock(x_mutex);
  return x_connects;
}

}  // namespace signalbox::http
