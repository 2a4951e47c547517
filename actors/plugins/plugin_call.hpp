// One call that a plugin's backend answers: what the plugin says becomes backend events, whatever
// it does becomes one end.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "actors/plugin.hpp"
#include "core/ports.hpp"

namespace signalbox::actors {

/// How a call waits is the deriving class's to say. say() and run() belong to the thread that runs
/// it, everything else is for any.
class PluginCall : public plugin::Call {
 public:
  PluginCall(BackendCall call, BackendListener listener, std::unique_ptr<StreamJoiner> joiner);
  PluginCall(const PluginCall&) = delete;
  PluginCall& operator=(const PluginCall&) = delete;

  [[nodiscard]] const std::string& id() const final { return x_id; }
  [[nodiscard]] plugin::Kind kind() const final;
  [[nodiscard]] const std::string& model() const final { return x_call.model; }
  [[nodiscard]] const std::string& request() const final { return *x_call.request; }
  [[nodiscard]] bool is_streaming() const final { return x_call.streaming; }
  [[nodiscard]] bool is_cancelled() const final { return x_is_cancelled; }
  bool say(std::string_view data) final;

  /// Lets the plugin answer; an exception of its is a failure. Throws nothing.
  plugin::Answer run(plugin::Backend& backend) noexcept;
  /// Tells the listener how it ended. Once, after run().
  void end(plugin::Answer answer);

  virtual void cancel() { x_is_cancelled = true; }
  /// The listener hears nothing from here on, and is let go.
  void disconnect();

 private:
  void tell(BackendEvent event);
  [[nodiscard]] BackendEvent end_of(plugin::Answer answer) const;

  const BackendCall x_call;
  const std::string x_id;
  std::unique_ptr<StreamJoiner> x_joiner;
  std::size_t x_said_bytes = 0;
  bool x_has_said = false;
  bool x_is_too_long = false;
  std::atomic<bool> x_is_cancelled = false;
  /// Held while it is told something, so that nothing is on its way after disconnect().
  std::mutex x_mutex;
  BackendListener x_listener;
};

}  // namespace signalbox::actors
