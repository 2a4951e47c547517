// A server behind the Backend port that the test plays: it remembers what it was asked, and says
// what the test makes it say.
#pragma once

#include <memory>
#include <vector>

#include "core/ports.hpp"

namespace signalbox::testing {

struct PlayedServer {
  struct Call {
    BackendCall call;
    BackendListener listener;
    bool is_cancelled = false;
    bool has_begun = false;
    bool has_ended = false;
    /// What a stream said so far.
    std::string said;

    void end(BackendEvent event) {
      has_ended = true;
      listener(std::move(event));
    }
  };
  /// In the order they came.
  std::vector<Call> calls;
  /// Nobody listens there: calls and health checks fail.
  bool is_down = false;
};

class PlayedBackend final : public Backend {
 public:
  explicit PlayedBackend(std::shared_ptr<PlayedServer> server) : x_server{std::move(server)} {}

  std::uint64_t start(BackendCall call, BackendListener listener) override {
    if (x_server->is_down) {
      listener(BackendFailed{make_error(ErrorCode::backend_unreachable, "nobody listens"), true});
      return x_server->calls.size() + 1;
    }
    x_server->calls.push_back({std::move(call), std::move(listener), false, false, false, {}});
    return x_server->calls.size();
  }

  void cancel(std::uint64_t number) override {
    if (number > x_server->calls.size()) return;
    PlayedServer::Call& call = x_server->calls[number - 1];
    if (call.has_ended) return;
    call.is_cancelled = true;
    call.end(BackendFailed{make_error(ErrorCode::backend_stream_failed, "cancelled")});
  }

  void list_models(std::function<void(Result<std::vector<BackendModel>>)> done) override {
    if (x_server->is_down) {
      done(make_error(ErrorCode::backend_unreachable, "nobody listens"));
    } else {
      done(std::vector<BackendModel>{});
    }
  }

 private:
  std::shared_ptr<PlayedServer> x_server;
};

}  // namespace signalbox::testing
