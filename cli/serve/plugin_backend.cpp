#include "cli/serve/plugin_backend.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Waits on the call's own condition, so that a cancel ends the wait.
class ThreadCall final : public actors::PluginCall {
 public:
  using actors::PluginCall::PluginCall;

  bool pause(std::chrono::nanoseconds duration) override {
    std::unique_lock lock{x_mutex};
    x_changed.wait_for(lock, duration, [this] { return is_cancelled(); });
    return !is_cancelled();
  }
  void cancel() override {
    {
      const std::lock_guard lock{x_mutex};
      PluginCall::cancel();
    }
    x_changed.notify_all();
  }

 private:
  std::mutex x_mutex;
  std::condition_variable x_changed;
};

BackendFailed unreachable(std::string message) {
  return {make_error(ErrorCode::backend_unreachable, std::move(message)), true};
}

}  // namespace

struct PluginBackend::State {
  struct Running {
    std::shared_ptr<ThreadCall> call;
    std::optional<Clock::time_point> cancelled_at;
    /// The plugin is done with it; its listener is just being told.
    bool has_returned = false;
  };
  [[nodiscard]] std::size_t busy() const {
    return static_cast<std::size_t>(
        std::count_if(running.begin(), running.end(),
                      [](const auto& entry) { return !entry.second.has_returned; }));
  }
  [[nodiscard]] bool is_stalled() const {
    const auto before = Clock::now() - plugin_stall_after;
    return busy() >= capacity &&
           std::all_of(running.begin(), running.end(), [before](const auto& entry) {
             const Running& each = entry.second;
             return each.has_returned || (each.cancelled_at && *each.cancelled_at <= before);
           });
  }
  [[nodiscard]] std::string describe_stall() const {
    return "the plugin does not come back from calls that are over (" + std::to_string(busy()) +
           " of " + std::to_string(capacity) + ")";
  }

  std::uint32_t capacity = 1;
  MakeStreamJoiner make_joiner;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::uint64_t, Running> running;
  std::uint64_t next_number = 1;
  bool is_shut = false;
};

PluginBackend::PluginBackend(std::shared_ptr<plugin::Backend> backend, std::uint32_t capacity,
                             MakeStreamJoiner make_joiner)
    : x_backend{std::move(backend)}, x_state{std::make_shared<State>()} {
  x_state->capacity = capacity;
  x_state->make_joiner = std::move(make_joiner);
}

PluginBackend::~PluginBackend() {
  shut();
}

void PluginBackend::run(std::shared_ptr<State> state, std::shared_ptr<plugin::Backend> backend,
                        std::uint64_t number) {
  std::shared_ptr<ThreadCall> call;
  {
    const std::lock_guard lock{state->mutex};
    call = state->running.at(number).call;
  }
  plugin::Answer answer = call->run(*backend);
  // The end gives the lease free: its place must be free before.
  {
    const std::lock_guard lock{state->mutex};
    state->running.at(number).has_returned = true;
  }
  call->end(std::move(answer));
  // What is the plugin's goes before the call does, and the call not before it was told: who waits
  // for its end takes down what the listener speaks to, and then the program.
  call = nullptr;
  backend = nullptr;
  {
    const std::lock_guard lock{state->mutex};
    state->running.erase(number);
  }
  state->changed.notify_all();
}

std::uint64_t PluginBackend::start(BackendCall call, BackendListener listener) {
  std::unique_lock lock{x_state->mutex};
  const std::uint64_t number = x_state->next_number++;
  if (x_state->is_shut || x_state->busy() >= x_state->capacity) {
    const std::string why =
        x_state->is_shut ? "the plugin has been stopped" : x_state->describe_stall();
    lock.unlock();
    listener(unreachable(why));
    return number;
  }
  auto joiner = x_state->make_joiner(call.kind);
  x_state->running[number].call =
      std::make_shared<ThreadCall>(std::move(call), listener, std::move(joiner));
  try {
    std::thread{run, x_state, x_backend, number}.detach();
  } catch (const std::system_error& error) {
    x_state->running.erase(number);
    lock.unlock();
    listener(unreachable(std::string{"no thread for the plugin's call: "} + error.what()));
  }
  return number;
}

void PluginBackend::cancel(std::uint64_t call_number) {
  std::shared_ptr<ThreadCall> call;
  {
    const std::lock_guard lock{x_state->mutex};
    const auto place = x_state->running.find(call_number);
    if (place == x_state->running.end()) return;
    if (!place->second.cancelled_at) place->second.cancelled_at = Clock::now();
    call = place->second.call;
  }
  call->cancel();
}

void PluginBackend::list_models(std::function<void(Result<std::vector<BackendModel>>)> done) {
  std::optional<std::string> stall;
  {
    const std::lock_guard lock{x_state->mutex};
    if (x_state->is_stalled()) stall = x_state->describe_stall();
  }
  if (stall) {
    done(make_error(ErrorCode::backend_unreachable, std::move(*stall)));
  } else {
    done(std::vector<BackendModel>{});
  }
}

void PluginBackend::shut() {
  std::vector<std::shared_ptr<ThreadCall>> calls;
  {
    const std::lock_guard lock{x_state->mutex};
    x_state->is_shut = true;
    for (auto& [number, running] : x_state->running) calls.push_back(running.call);
  }
  for (const auto& call : calls) {
    call->disconnect();
    call->cancel();
  }
}

bool PluginBackend::wait(Clock::time_point until) {
  std::unique_lock lock{x_state->mutex};
  return x_state->changed.wait_until(lock, until, [this] { return x_state->running.empty(); });
}

}  // namespace signalbox::cli
