// A plugin that does wrong what its settings say: {start|run|stop|event: throw|stall}. What its
// setting does not name it does well. "mid" of `run`: throws in mid-stream.
#include <stdexcept>
#include <string>
#include <thread>

#include "actors/plugin.hpp"

namespace {

using namespace signalbox::plugin;

/// Longer than any test waits.
constexpr std::chrono::hours for_ever{1};

struct Faults {
  std::string text;
  [[nodiscard]] bool has(const char* where, const char* what) const {
    return text.find('"' + std::string{where} + "\":\"" + what + '"') != std::string::npos;
  }
  void commit(const char* where) const {
    if (has(where, "throw")) throw std::runtime_error(std::string{"broken in "} + where);
    if (has(where, "throw_int")) throw 42;
    if (has(where, "stall")) std::this_thread::sleep_for(for_ever);
  }
};

class BrokenBackend final : public Backend {
 public:
  explicit BrokenBackend(Faults faults) : x_faults{std::move(faults)} {}
  Answer run(Call& call) override {
    x_faults.commit("run");
    if (x_faults.has("run", "mid")) {
      call.say(R"({"choices":[{"index":0,"delta":{"content":"half"}}]})");
      throw std::runtime_error("broken in mid-stream");
    }
    // Deaf to being told to stop, but not for ever.
    if (x_faults.has("run", "slow")) std::this_thread::sleep_for(std::chrono::seconds{4});
    return Answer::whole(
        R"({"choices":[{"index":0,"message":{"role":"assistant","content":"fine"}}]})");
  }

 private:
  Faults x_faults;
};

class Broken final : public Plugin {
 public:
  explicit Broken(Faults faults) : x_faults{std::move(faults)} {}
  void start(Host& host) override {
    host.offer({.name = "broken"}, std::make_shared<BrokenBackend>(x_faults));
    host.watch_calls([this](const CallEvent&) { x_faults.commit("event"); });
    x_faults.commit("start");
  }
  void stop() override { x_faults.commit("stop"); }

 private:
  Faults x_faults;
};

std::unique_ptr<Plugin> make(const std::string& settings) {
  const Faults faults{settings};
  faults.commit("make");
  return std::make_unique<Broken>(faults);
}

}  // namespace

const signalbox::plugin::Entry* signalbox_plugin() {
  static constexpr Entry entry{abi, version, make};
  return &entry;
}
