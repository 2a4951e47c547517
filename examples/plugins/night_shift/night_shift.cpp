// A client as a plugin: works through a list of prompts when the line is quiet, one at a time, as
// background tasks. A call of anybody else sends it back to waiting; what it has submitted by then
// stands behind every caller by its priority.
//
//   plugins:
//     - path: plugins/night_shift.so
//       settings: {llm: qwen, quiet_ms: 5000, prompts: [Summarise ..., Translate ...]}
#include <boost/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/plugin.hpp"

namespace {

namespace json = boost::json;
using namespace signalbox::plugin;

struct Settings {
  /// An LLM, a pool or a model.
  std::string llm;
  std::vector<std::string> prompts;
  /// So long nobody else may have had a call under way.
  std::chrono::milliseconds quiet{5000};
};

Settings read_settings(const std::string& text) {
  Settings settings;
  const json::value document = json::parse(text);
  for (const auto& [key, value] : document.as_object()) {
    if (key == "llm" && value.is_string()) {
      settings.llm = value.get_string().c_str();
    } else if (key == "quiet_ms" && value.is_int64() && value.get_int64() >= 0) {
      settings.quiet = std::chrono::milliseconds{value.get_int64()};
    } else if (key == "prompts" && value.is_array()) {
      for (const json::value& prompt : value.get_array()) {
        settings.prompts.emplace_back(prompt.as_string().c_str());
      }
    } else {
      throw std::invalid_argument(
          "night_shift has llm (a text), prompts (a list of texts) and quiet_ms, not " +
          std::string{key} + ": " + json::serialize(value));
    }
  }
  if (settings.llm.empty()) throw std::invalid_argument("night_shift needs llm: whom to ask");
  return settings;
}

// All of it runs on the plugin's own thread: there is nothing to lock.
class NightShift final : public Plugin {
 public:
  explicit NightShift(Settings settings) : x_settings{std::move(settings)} {}

  void start(Host& host) override {
    x_host = &host;
    host.watch_calls([this](const CallEvent& event) { heard(event); });
    wait_for_quiet();
  }

 private:
  void heard(const CallEvent& event) {
    // Ends may be among what was missed: who still runs will be heard of again.
    if (event.missed > 0) x_others.clear();
    if (event.id == x_task) return;
    if (event.has_ended) {
      x_others.erase(event.id);
    } else {
      x_others.insert(event.id);
    }
    wait_for_quiet();
  }

  // The line has just been heard of: counts anew.
  void wait_for_quiet() {
    ++x_disturbances;
    if (!x_others.empty() || !has_work()) return;
    x_host->call_later(x_settings.quiet, [this, before = x_disturbances] {
      if (before == x_disturbances) work();
    });
  }

  [[nodiscard]] bool has_work() const {
    return x_task.empty() && x_next < x_settings.prompts.size();
  }

  void work() {
    if (!has_work()) return;
    const json::object message{{"role", "user"}, {"content", x_settings.prompts[x_next]}};
    TaskWish wish;
    wish.target = x_settings.llm;
    wish.request = json::serialize(
        json::object{{"model", x_settings.llm}, {"messages", json::array{message}}});
    wish.priority = Priority::background;
    wish.description = "night shift " + std::to_string(x_next + 1);
    TaskWatch watch;
    watch.on_end = [this](const TaskEnd& end) { ended(end); };
    x_task = x_host->submit(std::move(wish), std::move(watch));
  }

  void ended(const TaskEnd& end) {
    x_task.clear();
    ++x_next;
    const std::string which =
        std::to_string(x_next) + " of " + std::to_string(x_settings.prompts.size());
    if (end.failure) {
      x_host->log("prompt " + which + " failed: " + end.failure.code + ", " + end.failure.message);
    } else {
      x_host->log("prompt " + which + " is answered by " + end.llm + ", " +
                  std::to_string(end.body.size()) + " bytes");
    }
    // While nobody came, there is no reason to wait again.
    if (x_others.empty()) work();
  }

  const Settings x_settings;
  Host* x_host = nullptr;
  /// Calls under way that are not its own.
  std::set<std::string> x_others;
  std::uint64_t x_disturbances = 0;
  /// Its own that is under way; empty = none.
  std::string x_task;
  std::size_t x_next = 0;
};

std::unique_ptr<Plugin> make(const std::string& settings) {
  return std::make_unique<NightShift>(read_settings(settings));
}

}  // namespace

const signalbox::plugin::Entry* signalbox_plugin() {
  static constexpr Entry entry{abi, version, make};
  return &entry;
}
