// A plugin's place in the house: it submits, waits and offers in the plugin's name, and has the
// plugin's functions called on the plugin's own thread. It decides nothing but the bounds.
//
// Spawned at start, one per plugin; the LLMs that it offers are upstream actors of its own, which
// end with it. Persists nothing: tasks of a plugin are rows as everybody's.
#pragma once

#include <caf/actor_addr.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "actors/plugins/plugin_host.hpp"

namespace signalbox::actors {

/// What one plugin may have open at once.
inline constexpr std::size_t plugin_offers_max = 64;
inline constexpr std::uint32_t plugin_capacity_max = 64;
inline constexpr std::size_t plugin_tasks_max = 256;
inline constexpr std::size_t plugin_slot_waits_max = 64;
inline constexpr std::size_t plugin_timers_max = 256;

struct PluginSetup {
  /// As configured.
  std::string name;
  /// Its offers are numbered from here as executors, plugin_offers_max of them.
  ExecutorId first_executor = 1U << 16U;
  House house;
  Ports ports;
  std::shared_ptr<PluginRunner> runner;
  /// What slots are given back by.
  std::shared_ptr<PluginGate> gate;
  PluginLog log;
  /// Called for every offer, when it is in the directory; may be empty.
  std::function<void()> on_offered;
};

class PluginState {
 public:
  explicit PluginState(PluginActor::pointer self) : x_self{self} {}
  ~PluginState();
  PluginState(const PluginState&) = delete;
  PluginState& operator=(const PluginState&) = delete;
  static inline const char* name = "plugin";

  PluginActor::behavior_type make_behavior(PluginSetup setup);

 private:
  struct OpenTask {
    TaskId id;
    plugin::TaskWatch watch;
  };
  struct OpenSlot {
    SlotId id;
    std::function<void(plugin::SlotGrant)> on_end;
  };

  struct Offer {
    ExecutorId id = 0;
    UpstreamActor actor;
  };

  void offer(const OfferLlm& message);
  void offer_ended(const caf::actor_addr& actor);
  void end_offers();
  void withdraw();
  [[nodiscard]] std::optional<std::string> find_problem(const plugin::LlmOffer& offer) const;

  void submit(const SubmitWish& message);
  void cancel(TaskId task);
  void accepted(const TaskAccepted& message);
  void pass_on(const TaskData& message);
  void refused(const TaskRefused& message);
  void ended(const TaskEnded& message);
  void tell_end(CallNumber call, plugin::TaskEnd end);

  void acquire(const AcquireWish& message);
  void admitted(const SlotAdmitted& message);
  void slot_ended(const SlotEnded& message);

  void watch(const WatchWish& message);
  void changed(const CallRow& row);

  void call_later(const CallLater& message);
  void call_now(const LaterTick& message);

  /// Has it done on the plugin's thread; what it throws is logged.
  bool post(std::string_view what, std::function<void()> work, bool may_be_missed = false);
  [[nodiscard]] std::string owner() const { return "plugin:" + x_setup.name; }

  PluginActor::pointer x_self;
  PluginSetup x_setup;
  std::vector<Offer> x_offers;
  /// Offers so far; their numbers are not used again.
  std::size_t x_offers_made = 0;
  std::map<CallNumber, OpenTask> x_tasks;
  std::map<CallNumber, OpenSlot> x_slots;
  std::map<std::uint64_t, std::function<void()>> x_timers;
  std::function<void(const plugin::CallEvent&)> x_on_call;
  std::uint64_t x_missed = 0;
  /// Of tasks, slots and timers alike.
  std::uint64_t x_next_number = 1;
};

PluginActor::behavior_type plugin_actor(PluginActor::stateful_pointer<PluginState> self,
                                        PluginSetup setup);

}  // namespace signalbox::actors
