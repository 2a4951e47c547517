// The threads of one plugin: its own, which everything of it but its backends runs on, and those of
// its backends.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "actors/plugins/plugin_host.hpp"
#include "cli/serve/plugin_backend.hpp"

namespace signalbox::cli {

/// Work that may be missed is, when so much waits. The rest is bounded by what a plugin may have
/// open.
inline constexpr std::size_t plugin_work_max = 1024;

class PluginThreads final : public actors::PluginRunner {
 public:
  explicit PluginThreads(MakeStreamJoiner make_joiner);
  /// What has not ended is left behind.
  ~PluginThreads() override;
  PluginThreads(const PluginThreads&) = delete;
  PluginThreads& operator=(const PluginThreads&) = delete;

  bool post(std::function<void()> work, bool may_be_missed) override;
  std::shared_ptr<Backend> make_backend(std::shared_ptr<plugin::Backend> backend,
                                        std::uint32_t capacity) override;

  /// Work that waits is dropped, `last` is done after what is being done; nothing is taken any
  /// more. Calls of its backends are cancelled.
  void shut(std::function<void()> last);
  /// @returns false when something has not ended by then: its thread is left behind.
  bool wait(std::chrono::steady_clock::time_point until);

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);
  std::shared_ptr<State> x_state;
  MakeStreamJoiner x_make_joiner;
  std::mutex x_mutex;
  std::vector<std::shared_ptr<PluginBackend>> x_backends;
};

}  // namespace signalbox::cli
