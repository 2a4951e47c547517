// What collecting costs those who enqueue meanwhile.
//
//   fill_store FOLDER 1000000 finished && sync && collect FOLDER [PAUSE_MS]
//
// One thread writes as the broker's does: what arrived during a commit is the next batch. Twenty
// others add a task of 1 KB every 100 ms each and note when it was durable: in turns 2 s alone and
// 4 s while one more deletes finished tasks, 128 at a time, the next PAUSE_MS (0) after the last
// are gone, until none is left. Time in the kernel's syncs is told apart from the rest: fdatasync
// and writes with O_DSYNC are taken here.
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "persistence/lmdb_task_store.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

thread_local Clock::duration sync_time{};

class SyncTimer {
 public:
  ~SyncTimer() { sync_time += Clock::now() - x_began; }

 private:
  Clock::time_point x_began = Clock::now();
};

}  // namespace

extern "C" int fdatasync(int descriptor) {
  const SyncTimer timer;
  return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}

extern "C" ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t offset) {
  if ((::fcntl(descriptor, F_GETFL) & O_DSYNC) == 0) {
    return ::syscall(SYS_pwrite64, descriptor, bytes, count, offset);
  }
  const SyncTimer timer;
  return ::syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

namespace {

using namespace signalbox;

constexpr std::size_t slice_tasks = 128;
constexpr unsigned enqueuers = 20;
constexpr auto enqueue_period = 100ms;
constexpr auto alone_period = 2s;
constexpr auto collecting_period = 4s;

/// Of this thread. Other programs' turns on its processor do not count.
double cpu_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

double in_ms(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

void print(const char* name, std::vector<double> values) {
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[std::min(values.size() - 1,
                           static_cast<std::size_t>(static_cast<double>(values.size()) * share))];
  };
  std::printf("%-44s n %7zu  p50 %8.3f  p99 %8.3f  p99.9 %8.3f  most %8.3f ms\n", name,
              values.size(), at(0.5), at(0.99), at(0.999), values.back());
}

/// The one thread that commits.
class WriterThread {
 public:
  explicit WriterThread(TaskStore& store) : x_store{store}, x_thread{[this] { run(); }} {}
  ~WriterThread() {
    {
      const std::lock_guard lock{x_mutex};
      x_is_over = true;
    }
    x_changed.notify_all();
    x_thread.join();
  }

  /// Returns when the operations are durable, all in one batch or in several.
  void write(std::vector<StoreOp> ops) {
    std::promise<void> done;
    auto written = done.get_future();
    {
      const std::lock_guard lock{x_mutex};
      x_waiting.push_back({std::move(ops), &done});
    }
    x_changed.notify_all();
    written.wait();
  }

  /// Of commits with deletions in them: all of it, without the syncs, on the processor.
  std::vector<double> slice_ms;
  std::vector<double> slice_without_sync_ms;
  std::vector<double> slice_cpu_ms;

 private:
  struct Wish {
    std::vector<StoreOp> ops;
    std::promise<void>* done;
  };

  void run() {
    std::unique_lock lock{x_mutex};
    while (true) {
      x_changed.wait(lock, [this] { return x_is_over || !x_waiting.empty(); });
      if (x_waiting.empty()) return;
      std::vector<Wish> wishes = std::exchange(x_waiting, {});
      lock.unlock();
      commit(wishes);
      lock.lock();
    }
  }

  void commit(std::vector<Wish>& wishes) {
    std::vector<StoreOp> ops;
    for (Wish& wish : wishes) std::move(wish.ops.begin(), wish.ops.end(), std::back_inserter(ops));
    const bool deletes = std::any_of(ops.begin(), ops.end(), [](const StoreOp& op) {
      return std::holds_alternative<DeleteTask>(op);
    });
    sync_time = {};
    const double began_cpu_ms = cpu_ms();
    const auto began = Clock::now();
    for (const StoreResult& result : x_store.commit(ops)) {
      if (result.outcome != StoreResult::Outcome::applied) std::abort();
    }
    const auto took = Clock::now() - began;
    if (deletes) {
      slice_ms.push_back(in_ms(took));
      slice_without_sync_ms.push_back(in_ms(took - sync_time));
      slice_cpu_ms.push_back(cpu_ms() - began_cpu_ms);
    }
    for (const Wish& wish : wishes) wish.done->set_value();
  }

  TaskStore& x_store;
  std::mutex x_mutex;
  std::condition_variable x_changed;
  std::vector<Wish> x_waiting;
  bool x_is_over = false;
  std::thread x_thread;
};

/// Adds tasks until told otherwise. @returns how long each took to be durable. Unit: ms.
std::vector<double> enqueue_one_by_one(WriterThread& writer, const std::atomic<bool>& is_over,
                                       unsigned number) {
  // The number spreads the ids (seeds are made odd), and the callers over the period.
  IdSequence ids{2 * number + 1};
  const Bytes request = make_bytes(std::string(1024, 'x'));
  std::vector<double> took;
  auto next = Clock::now() + number * enqueue_period / enqueuers;
  while (!is_over) {
    next += enqueue_period;
    std::this_thread::sleep_until(next);
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    Task task;
    task.id = {ids.next(now.count())};
    task.pool = "bench";
    task.inference_ms = 1;
    std::vector<StoreOp> ops;
    ops.emplace_back(InsertTask{share(task), request});
    writer.write(std::move(ops));
    // From when it was due: a stall counts for all who came during it.
    took.push_back(in_ms(Clock::now() - next));
  }
  return took;
}

std::vector<double> enqueue(WriterThread& writer, const std::atomic<bool>& is_over) {
  std::vector<std::future<std::vector<double>>> callers;
  for (unsigned number = 1; number <= enqueuers; ++number) {
    callers.push_back(std::async(std::launch::async, enqueue_one_by_one, std::ref(writer),
                                 std::cref(is_over), number));
  }
  std::vector<double> all;
  for (auto& caller : callers) {
    const auto took = caller.get();
    all.insert(all.end(), took.begin(), took.end());
  }
  return all;
}

/// Deletes what is finished for a while. @returns how many, 0 when none is left.
std::size_t collect(WriterThread& writer, const TaskStore& store, Clock::duration pause) {
  std::size_t collected = 0;
  for (const auto end = Clock::now() + collecting_period; Clock::now() < end;) {
    const auto due = store.finished_before(WallTime::max(), slice_tasks);
    if (!due || due->empty()) return collected;
    std::vector<StoreOp> ops;
    for (const TaskId id : *due) ops.emplace_back(DeleteTask{id});
    writer.write(std::move(ops));
    collected += due->size();
    std::this_thread::sleep_for(pause);
  }
  return collected;
}

void measure(const TaskStore& store, WriterThread& writer, Clock::duration pause) {
  std::vector<double> alone;
  std::vector<double> beside;
  std::size_t collected = 0;
  Clock::duration took{};
  // What `work` gives back, while others enqueue.
  const auto enqueue_during = [&](std::vector<double>& times, const auto& work) {
    std::atomic<bool> is_over{false};
    auto callers = std::async(std::launch::async, [&] { return enqueue(writer, is_over); });
    const std::size_t result = work();
    is_over = true;
    const auto more = callers.get();
    times.insert(times.end(), more.begin(), more.end());
    return result;
  };
  for (std::size_t last = 1; last > 0; collected += last) {
    enqueue_during(alone, [] {
      std::this_thread::sleep_for(alone_period);
      return std::size_t{0};
    });
    const auto began = Clock::now();
    last = enqueue_during(beside, [&] { return collect(writer, store, pause); });
    took += Clock::now() - began;
  }
  print("enqueue, alone", alone);
  print("enqueue, while collecting", beside);
  print("commit with a slice of 128 deletions", writer.slice_ms);
  print("  the same without syncs", writer.slice_without_sync_ms);
  print("  on the processor", writer.slice_cpu_ms);
  const double took_s = in_ms(took) / 1000;
  std::printf("%zu tasks collected in %.1f s, %.0f a second\n", collected, took_s,
              static_cast<double>(collected) / took_s);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  persistence::LmdbTaskStore::Options options;
  options.path = argv[1];
  auto store = persistence::LmdbTaskStore::open(options);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  WriterThread writer{**store};
  measure(**store, writer, std::chrono::milliseconds{argc > 2 ? std::atoi(argv[2]) : 0});
  return 0;
}
