// Calls of an executor that run through the Backend port: started, aborted, and told when they end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "actors/messages/messages.hpp"
#include "core/ports.hpp"

namespace signalbox::actors {

class BackendCalls {
 public:
  /// @param on_end is called once, on a thread of the backend's: messages only.
  void run(std::shared_ptr<Backend> backend, const RunTask& message,
           std::function<void(const CallEnded&)> on_end);
  void abort(const AbortTask& message);
  /// To be called with what `on_end` was told.
  void forget(const CallEnded& message) { x_calls.erase({message.task, message.epoch}); }
  [[nodiscard]] bool empty() const { return x_calls.empty(); }

 private:
  struct Call {
    std::shared_ptr<Backend> backend;
    /// The backend's own for it.
    std::uint64_t number = 0;
  };
  std::map<std::pair<TaskId, Epoch>, Call> x_calls;
};

}  // namespace signalbox::actors
