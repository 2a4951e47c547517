#include "cli/worker/worker_link.hpp"

#include <utility>
#include <vector>

namespace signalbox::cli {
namespace {

using std::chrono::steady_clock;
using End = http::ExchangeResult::End;

constexpr http::SocketTimeouts call_timeouts{.connect = std::chrono::seconds{5},
                                             .read = std::chrono::seconds{30},
                                             .write = std::chrono::seconds{30}};
/// The broker pings every 15 s; three missing pings are a dead line.
constexpr http::SocketTimeouts stream_timeouts{.connect = std::chrono::seconds{5},
                                               .read = std::chrono::seconds{45},
                                               .write = std::chrono::seconds{5}};
constexpr std::size_t answer_bytes_max = std::size_t{1024} * 1024;

std::string reason_of(const http::ExchangeResult& result) {
  switch (result.end) {
    case End::unreachable:
      return result.error.message;
    case End::closed:
      return "the connection was closed";
    case End::timed_out:
      return "nothing came for too long";
    case End::malformed:
      return "the answer is no HTTP";
    case End::cancelled:
      return "given up";
    case End::complete:
      return "the broker ended it";
    case End::stopped:
      break;
  }
  return "it was not understood";
}

}  // namespace

class WorkerLink::Reader final : public http::AnswerReader {
 public:
  explicit Reader(const LinkStream* stream) : x_stream{stream} {}

  Next on_head(const http::AnswerHead& head) override {
    x_answer.status = head.status;
    x_is_streaming = x_stream != nullptr && head.status == 200;
    if (x_is_streaming) x_stream->on_open();
    return Next::more;
  }

  Next on_body(std::string_view piece) override {
    if (!x_is_streaming) {
      x_answer.body += piece;
      return x_answer.body.size() < answer_bytes_max ? Next::more : Next::stop;
    }
    std::vector<http::SseEvent> events;
    const auto fed = x_splitter.feed(piece, events);
    for (const http::SseEvent& event : events) x_stream->on_event(event);
    return fed.has_error() ? Next::stop : Next::more;
  }

  void on_drained() override {}

  BrokerAnswer conclude(const http::ExchangeResult& result) {
    // A status whose page was cut counts all the same, but for a 2xx that may say more in its body.
    const bool is_cut = result.end != End::complete && result.end != End::stopped;
    if (is_cut && !x_is_streaming && x_answer.status < 300) x_answer.status = 0;
    x_answer.may_have_arrived = result.end != End::unreachable;
    x_answer.reason = reason_of(result);
    return std::move(x_answer);
  }

 private:
  const LinkStream* x_stream;
  http::SseSplitter x_splitter{std::size_t{64} * 1024 * 1024};
  BrokerAnswer x_answer;
  bool x_is_streaming = false;
};

class WorkerLink::Entry {
 public:
  Entry(WorkerLink& link, bool is_stream) : x_link{link} {
    const std::scoped_lock lock{link.x_mutex};
    link.x_calls.insert(&x_cancellation);
    if (is_stream) link.x_listening = &x_cancellation;
    if (link.x_is_closed) x_cancellation.cancel();
  }
  ~Entry() {
    const std::scoped_lock lock{x_link.x_mutex};
    x_link.x_calls.erase(&x_cancellation);
    if (x_link.x_listening == &x_cancellation) x_link.x_listening = nullptr;
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  http::Cancellation& cancellation() { return x_cancellation; }

 private:
  WorkerLink& x_link;
  http::Cancellation x_cancellation;
};

WorkerLink::WorkerLink(const http::BaseUrl& base, std::string key, std::size_t idle_max)
    : x_prefix{base.path_prefix},
      x_key{std::move(key)},
      x_pool{base, idle_max},
      x_stream_pool{base, 0} {}

http::OutgoingRequest WorkerLink::make_request(std::string method, const std::string& path,
                                               std::string_view accepted) const {
  http::OutgoingRequest request;
  request.method = std::move(method);
  request.path = x_prefix + path;
  request.headers = {{"Accept", std::string{accepted}},
                     {"Accept-Encoding", "identity"},
                     {"User-Agent", "signalbox-worker/" SIGNALBOX_VERSION}};
  if (!x_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + x_key);
  return request;
}

BrokerAnswer WorkerLink::call(const LinkCall& call) {
  http::OutgoingRequest request = make_request(call.method, call.path, "application/json");
  if (!call.body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = make_bytes(call.body);
  }
  Reader reader{nullptr};
  Entry entry{*this, false};
  return reader.conclude(x_pool.exchange(request, reader, entry.cancellation(), call_timeouts,
                                         steady_clock::now() + call.time_max));
}

BrokerAnswer WorkerLink::listen(const LinkStream& stream) {
  const http::OutgoingRequest request = make_request("GET", stream.path, "text/event-stream");
  Reader reader{&stream};
  Entry entry{*this, true};
  return reader.conclude(
      x_stream_pool.exchange(request, reader, entry.cancellation(), stream_timeouts));
}

void WorkerLink::stop_listening() {
  const std::scoped_lock lock{x_mutex};
  if (x_listening != nullptr) x_listening->cancel();
}

void WorkerLink::close() {
  const std::scoped_lock lock{x_mutex};
  x_is_closed = true;
  for (http::Cancellation* cancellation : x_calls) cancellation->cancel();
}

}  // namespace signalbox::cli
