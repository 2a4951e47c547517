// Collects the events of calls and checks the order that Backend promises.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "http/upstream/upstream_client.hpp"

namespace signalbox::http::test {

/// What one call was told. Shared with its listener, so a late event finds it alive.
class Recorder {
  template <class F>
  auto locked(F f) const {
    const std::scoped_lock lock(x_mutex);
    return f();
  }

 public:
  static std::shared_ptr<Recorder> make() { return std::make_shared<Recorder>(); }

  static BackendListener listener(const std::shared_ptr<Recorder>& recorder) {
    return [recorder](BackendEvent event) { recorder->take(std::move(event)); };
  }

  /// Waits for the last event. @returns false after 10 s.
  bool wait() {
    std::unique_lock lock(x_mutex);
    return x_changed.wait_for(lock, std::chrono::seconds(10), [this] { return x_ends > 0; });
  }
  /// Waits until events with this text have come. @returns false after 10 s.
  bool wait_for_text(std::string_view text) {
    std::unique_lock lock(x_mutex);
    return x_changed.wait_for(lock, std::chrono::seconds(10),
                              [&] { return x_text.find(text) != std::string::npos; });
  }

  [[nodiscard]] bool began() const {
    return locked([this] { return x_began; });
  }
  [[nodiscard]] std::string text() const {
    return locked([this] { return x_text; });
  }
  [[nodiscard]] int batches() const {
    return locked([this] { return x_batches; });
  }
  /// Events with data, as the batches say.
  [[nodiscard]] std::uint32_t events() const {
    return locked([this] { return x_events; });
  }
  [[nodiscard]] int ends() const {
    return locked([this] { return x_ends; });
  }
  [[nodiscard]] bool in_order() const {
    return locked([this] { return x_in_order; });
  }

  /// The three below: @pre wait() said true.
  [[nodiscard]] bool has_finished() const {
    return locked([this] { return std::holds_alternative<BackendFinished>(x_last); });
  }
  [[nodiscard]] BackendFinished finished() const {
    const std::scoped_lock lock(x_mutex);
    if (const auto* failure = std::get_if<BackendFailed>(&x_last))
      FAIL("failed: " << failure->error.message);
    return std::get<BackendFinished>(x_last);
  }
  [[nodiscard]] BackendFailed failed() const {
    const std::scoped_lock lock(x_mutex);
    if (std::holds_alternative<BackendFinished>(x_last)) FAIL("finished");
    return std::get<BackendFailed>(x_last);
  }

 private:
  void take(BackendEvent event) {
    const std::scoped_lock lock(x_mutex);
    if (x_ends > 0) x_in_order = false;
    if (std::holds_alternative<BackendBegan>(event)) {
      if (x_began || !x_text.empty()) x_in_order = false;
      x_began = true;
    } else if (const auto* events = std::get_if<BackendEvents>(&event)) {
      if (!x_began) x_in_order = false;
      x_text += *events->data;
      x_events += events->count;
      ++x_batches;
    } else {
      x_last = std::move(event);
      ++x_ends;
    }
    x_changed.notify_all();
  }

  mutable std::mutex x_mutex;
  std::condition_variable x_changed;
  bool x_began = false;
  bool x_in_order = true;
  int x_batches = 0;
  std::uint32_t x_events = 0;
  int x_ends = 0;
  std::string x_text;
  BackendEvent x_last;
};

inline UpstreamOptions options_for(const std::string& url,
                                   config::UpstreamType type = config::UpstreamType::openai) {
  UpstreamOptions options;
  options.base = *parse_base_url(url);
  options.type = type;
  return options;
}

inline BackendCall make_call(bool streaming,
                             std::string body = R"({"model":"theirs", "temperature":0.70})") {
  BackendCall call;
  call.request = make_bytes(std::move(body));
  call.model = "ours";
  call.streaming = streaming;
  call.request_id = "req-1";
  return call;
}

/// Makes a call and waits for its end.
inline std::shared_ptr<Recorder> perform(Backend& backend, BackendCall call) {
  auto recorder = Recorder::make();
  REQUIRE(backend.start(std::move(call), Recorder::listener(recorder)) != 0);
  REQUIRE(recorder->wait());
  CHECK(recorder->in_order());
  return recorder;
}

}  // namespace signalbox::http::test
