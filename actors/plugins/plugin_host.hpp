// What stands between a plugin and the house: the Host it is handed, the way its words take into
// the house, and the seam to the threads its code runs on.
#pragma once

#include <caf/send.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "actors/messages/ports.hpp"
#include "actors/plugins/plugin_messages.hpp"

namespace signalbox::actors {

/// Where a plugin's code runs: threads in the daemon, the caller's own in tests and simulations.
class PluginRunner {
 public:
  virtual ~PluginRunner() = default;
  /// Has `work` done on the plugin's thread, in order. It throws nothing.
  /// @param may_be_missed is left out when much waits already. @returns false when it was.
  virtual bool post(std::function<void()> work, bool may_be_missed) = 0;
  /// @returns what answers calls by that backend, `capacity` of them at once.
  virtual std::shared_ptr<Backend> make_backend(std::shared_ptr<plugin::Backend> backend,
                                                std::uint32_t capacity) = 0;
};

/// The way from a plugin's threads to its actor. Shut before the house goes: what a plugin that was
/// left behind says then goes nowhere.
class PluginGate {
 public:
  void open(PluginActor actor) {
    const std::lock_guard lock{x_mutex};
    x_actor = std::move(actor);
  }
  void shut() {
    const std::lock_guard lock{x_mutex};
    x_actor.reset();
  }
  template <class Message>
  void send(Message message) {
    const std::lock_guard lock{x_mutex};
    if (x_actor) caf::anon_send(*x_actor, std::move(message));
  }

 private:
  std::mutex x_mutex;
  std::optional<PluginActor> x_actor;
};

/// Says a line under the plugin's name; from any thread.
using PluginLog = std::function<void(std::string_view line)>;

/// Does `work`; what it throws is logged. @returns false when it threw.
bool guarded(const PluginLog& log, std::string_view what,
             const std::function<void()>& work) noexcept;

class PluginHost final : public plugin::Host {
 public:
  /// @param on_offer called before each offer goes on its way; may be empty.
  PluginHost(std::shared_ptr<PluginGate> gate, std::shared_ptr<IdSource> ids, PluginLog log,
             std::function<void()> on_offer = {})
      : x_gate{std::move(gate)},
        x_ids{std::move(ids)},
        x_log{std::move(log)},
        x_on_offer{std::move(on_offer)} {}

  void log(std::string_view line) override { x_log(line); }
  void offer(plugin::LlmOffer offer, std::shared_ptr<plugin::Backend> backend) override;
  std::string submit(plugin::TaskWish wish, plugin::TaskWatch watch) override;
  void cancel(const std::string& task) override;
  void acquire(plugin::SlotWish wish, std::function<void(plugin::SlotGrant)> on_end) override;
  void watch_calls(std::function<void(const plugin::CallEvent&)> on_call) override;
  void call_later(std::chrono::nanoseconds delay, std::function<void()> what) override;

 private:
  std::shared_ptr<PluginGate> x_gate;
  std::shared_ptr<IdSource> x_ids;
  PluginLog x_log;
  std::function<void()> x_on_offer;
};

/// @returns a slot that was admitted; given back when the last of its holders lets it go.
std::shared_ptr<plugin::Slot> make_plugin_slot(std::shared_ptr<PluginGate> gate, SlotKey key);

}  // namespace signalbox::actors
