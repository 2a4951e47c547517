#include "actors/plugins/plugin_host.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <exception>

namespace signalbox::actors {
namespace {

class PluginSlot final : public plugin::Slot {
 public:
  PluginSlot(std::shared_ptr<PluginGate> gate, SlotKey key)
      : x_gate{std::move(gate)}, x_key{std::move(key)} {}
  PluginSlot(const PluginSlot&) = delete;
  PluginSlot& operator=(const PluginSlot&) = delete;
  ~PluginSlot() override { x_gate->send(ReleaseSlot{x_key, std::move(x_outcome)}); }

  void mark_started_http() override { x_gate->send(MarkSlot{x_key, SlotMark::started_http}); }
  void mark_first_token() override { x_gate->send(MarkSlot{x_key, SlotMark::first_token}); }
  void fail(std::string kind, std::string detail) override {
    const std::lock_guard lock{x_mutex};
    x_outcome = {CallStatus::error, std::move(kind), std::move(detail)};
  }

 private:
  std::shared_ptr<PluginGate> x_gate;
  const SlotKey x_key;
  std::mutex x_mutex;
  SlotOutcome x_outcome;
};

}  // namespace

bool guarded(const PluginLog& log, std::string_view what,
             const std::function<void()>& work) noexcept {
  try {
    work();
    return true;
  } catch (const std::exception& exception) {
    log(std::string{what} + " threw: " + exception.what());
  } catch (...) {
    log(std::string{what} + " threw what is no std::exception");
  }
  return false;
}

void PluginHost::offer(plugin::LlmOffer offer, std::shared_ptr<plugin::Backend> backend) {
  if (!backend) return;
  if (x_on_offer) x_on_offer();
  x_gate->send(OfferLlm{std::move(offer), std::move(backend)});
}

std::string PluginHost::submit(plugin::TaskWish wish, plugin::TaskWatch watch) {
  const TaskId task{x_ids->next()};
  x_gate->send(SubmitWish{task, std::move(wish), std::move(watch)});
  return task.to_string();
}

void PluginHost::cancel(const std::string& task) {
  if (const auto id = TaskId::parse(task)) x_gate->send(CancelWish{*id});
}

void PluginHost::acquire(plugin::SlotWish wish, std::function<void(plugin::SlotGrant)> on_end) {
  if (on_end) x_gate->send(AcquireWish{std::move(wish), std::move(on_end)});
}

void PluginHost::watch_calls(std::function<void(const plugin::CallEvent&)> on_call) {
  if (on_call) x_gate->send(WatchWish{std::move(on_call)});
}

void PluginHost::call_later(std::chrono::nanoseconds delay, std::function<void()> what) {
  if (what) x_gate->send(CallLater{delay, std::move(what)});
}

std::shared_ptr<plugin::Slot> make_plugin_slot(std::shared_ptr<PluginGate> gate, SlotKey key) {
  return std::make_shared<PluginSlot>(std::move(gate), std::move(key));
}

}  // namespace signalbox::actors
