// Plugins in a house on the virtual clock: their code runs on the test's own thread, calls of their
// backends at once and to the end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/plugins/plugin_actor.hpp"
#include "actors/plugins/plugin_call.hpp"
#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

/// A call on the test's thread: time does not pass while it waits.
class InlineCall final : public actors::PluginCall {
 public:
  using actors::PluginCall::PluginCall;
  bool pause(std::chrono::nanoseconds duration) override {
    paused += duration;
    return !is_cancelled();
  }
  std::chrono::nanoseconds paused{};
};

/// Runs a plugin's code where it is asked to.
class InlineRunner : public actors::PluginRunner {
 public:
  bool post(std::function<void()> work, bool may_be_missed) override;
  std::shared_ptr<Backend> make_backend(std::shared_ptr<plugin::Backend> backend,
                                        std::uint32_t capacity) override;
  /// What may be missed is, as if the plugin lagged behind.
  bool is_behind = false;
};

class PluginFixture {
 public:
  /// Starts it; its actor and runner are there as long as this.
  PluginFixture(HouseFixture& house, const std::string& name,
                std::unique_ptr<plugin::Plugin> plugin,
                std::shared_ptr<InlineRunner> runner = std::make_shared<InlineRunner>());
  ~PluginFixture();

  plugin::Host& host() { return *x_host; }
  InlineRunner& runner() { return *x_runner; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return *x_lines; }
  /// As the daemon does when it stops: nothing of the plugin reaches the house any more.
  void shut() { x_gate->shut(); }
  /// As the daemon does when its start has thrown.
  void withdraw();

 private:
  HouseFixture& x_house;
  std::shared_ptr<std::vector<std::string>> x_lines = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<actors::PluginGate> x_gate = std::make_shared<actors::PluginGate>();
  std::shared_ptr<InlineRunner> x_runner;
  std::unique_ptr<actors::PluginHost> x_host;
  std::unique_ptr<plugin::Plugin> x_plugin;
};

}  // namespace signalbox::testing
