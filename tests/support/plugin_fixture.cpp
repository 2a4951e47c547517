#include "tests/support/plugin_fixture.hpp"

#include "tests/support/plain_joiner.hpp"

namespace signalbox::testing {
namespace {

class InlineBackend final : public Backend {
 public:
  explicit InlineBackend(std::shared_ptr<plugin::Backend> backend)
      : x_backend{std::move(backend)} {}

  std::uint64_t start(BackendCall call, BackendListener listener) override {
    InlineCall running{std::move(call), std::move(listener), std::make_unique<PlainJoiner>()};
    running.end(running.run(*x_backend));
    return ++x_number;
  }
  void cancel(std::uint64_t) override {}
  void list_models(std::function<void(Result<std::vector<BackendModel>>)> done) override {
    done(std::vector<BackendModel>{});
  }

 private:
  std::shared_ptr<plugin::Backend> x_backend;
  std::uint64_t x_number = 0;
};

/// Executors are numbered over all plugins of a test.
ExecutorId next_executor = 1U << 16U;

}  // namespace

bool InlineRunner::post(std::function<void()> work, bool may_be_missed) {
  if (is_behind && may_be_missed) return false;
  work();
  return true;
}

std::shared_ptr<Backend> InlineRunner::make_backend(std::shared_ptr<plugin::Backend> backend,
                                                    std::uint32_t) {
  return std::make_shared<InlineBackend>(std::move(backend));
}

PluginFixture::PluginFixture(HouseFixture& house, const std::string& name,
                             std::unique_ptr<plugin::Plugin> plugin,
                             std::shared_ptr<InlineRunner> runner)
    : x_house{house}, x_runner{std::move(runner)}, x_plugin{std::move(plugin)} {
  actors::PluginSetup setup;
  setup.name = name;
  setup.first_executor = next_executor;
  next_executor += actors::plugin_offers_max;
  setup.house = house.house();
  setup.ports = {house.world().wall(), house.world().ids(), nullptr};
  setup.runner = x_runner;
  setup.gate = x_gate;
  setup.log = [lines = x_lines](std::string_view line) { lines->emplace_back(line); };
  x_host = std::make_unique<actors::PluginHost>(x_gate, house.world().ids(), setup.log);
  const auto log = setup.log;
  auto actor = house.world().system().spawn(actors::plugin_actor, std::move(setup));
  house.world().adopt(caf::actor_cast<caf::actor>(actor));
  x_gate->open(actor);
  const bool has_started = actors::guarded(log, "start", [this] { x_plugin->start(*x_host); });
  if (!has_started) x_gate->send(actors::WithdrawPlugin{});
  house.world().run();
}

void PluginFixture::withdraw() {
  x_gate->send(actors::WithdrawPlugin{});
  x_house.world().run();
}

PluginFixture::~PluginFixture() {
  x_plugin->stop();
  x_gate->shut();
}

}  // namespace signalbox::testing
