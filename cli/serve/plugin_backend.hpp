// A plugin's backend behind the Backend port: each call runs on a thread of its own, and what that
// thread does cannot hold up anybody else.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "actors/plugins/plugin_call.hpp"

namespace signalbox::cli {

/// A cancelled call that has not returned within this holds its thread: the plugin stalls.
inline constexpr std::chrono::seconds plugin_stall_after{1};

class PluginBackend final : public Backend {
 public:
  /// @param capacity threads at once. Leases keep the calls within it: one more finds all of them
  /// held by calls that were cancelled, and fails as backend_unreachable.
  PluginBackend(std::shared_ptr<plugin::Backend> backend, std::uint32_t capacity,
                MakeStreamJoiner make_joiner);
  ~PluginBackend() override;
  PluginBackend(const PluginBackend&) = delete;
  PluginBackend& operator=(const PluginBackend&) = delete;

  std::uint64_t start(BackendCall call, BackendListener listener) override;
  void cancel(std::uint64_t call_number) override;
  /// Has no models to tell of; an error while it stalls.
  void list_models(std::function<void(Result<std::vector<BackendModel>>)> done) override;

  /// Cancels all calls; no listener is told anything from here on.
  void shut();
  /// @returns false when some call has not returned by then: its thread is left behind.
  bool wait(std::chrono::steady_clock::time_point until);

 private:
  struct State;
  static void run(std::shared_ptr<State> state, std::shared_ptr<plugin::Backend> backend,
                  std::uint64_t number);
  const std::shared_ptr<plugin::Backend> x_backend;
  /// Also known to the threads, which may outlive this.
  std::shared_ptr<State> x_state;
};

}  // namespace signalbox::cli
