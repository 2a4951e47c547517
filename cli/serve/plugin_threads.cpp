#include "cli/serve/plugin_threads.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace signalbox::cli {

struct PluginThreads::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> work;
  bool is_shut = false;
  bool has_ended = false;
};

PluginThreads::PluginThreads(MakeStreamJoiner make_joiner)
    : x_state{std::make_shared<State>()}, x_make_joiner{std::move(make_joiner)} {
  std::thread{[state = x_state] { run(state); }}.detach();
}

PluginThreads::~PluginThreads() {
  shut({});
}

void PluginThreads::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock{state->mutex};
  while (true) {
    state->changed.wait(lock, [&] { return !state->work.empty() || state->is_shut; });
    if (state->work.empty()) break;
    auto work = std::move(state->work.front());
    state->work.pop_front();
    lock.unlock();
    if (work) work();
    // What it holds may speak to the house as it goes.
    work = nullptr;
    lock.lock();
  }
  state->has_ended = true;
  state->changed.notify_all();
}

bool PluginThreads::post(std::function<void()> work, bool may_be_missed) {
  {
    const std::lock_guard lock{x_state->mutex};
    if (x_state->is_shut) return false;
    if (may_be_missed && x_state->work.size() >= plugin_work_max) return false;
    x_state->work.push_back(std::move(work));
  }
  x_state->changed.notify_all();
  return true;
}

std::shared_ptr<Backend> PluginThreads::make_backend(std::shared_ptr<plugin::Backend> backend,
                                                     std::uint32_t capacity) {
  const std::lock_guard lock{x_mutex};
  x_backends.push_back(
      std::make_shared<PluginBackend>(std::move(backend), capacity, x_make_joiner));
  return x_backends.back();
}

void PluginThreads::shut(std::function<void()> last) {
  {
    const std::lock_guard lock{x_state->mutex};
    if (x_state->is_shut) return;
    x_state->is_shut = true;
    // What is dropped is the plugin's too, and goes on its thread.
    auto dropped = std::make_shared<std::deque<std::function<void()>>>(std::move(x_state->work));
    x_state->work.clear();
    x_state->work.emplace_back([dropped] { dropped->clear(); });
    if (last) x_state->work.push_back(std::move(last));
  }
  x_state->changed.notify_all();
  const std::lock_guard lock{x_mutex};
  for (const auto& backend : x_backends) backend->shut();
}

bool PluginThreads::wait(std::chrono::steady_clock::time_point until) {
  bool has_ended = false;
  {
    std::unique_lock lock{x_state->mutex};
    has_ended = x_state->changed.wait_until(lock, until, [this] { return x_state->has_ended; });
  }
  const std::lock_guard lock{x_mutex};
  for (const auto& backend : x_backends) has_ended = backend->wait(until) && has_ended;
  return has_ended;
}

}  // namespace signalbox::cli
