#include "http/edge/thread.hpp"

#include <csignal>
#include <memory>
#include <new>
#include <utility>

namespace signalbox::http {

namespace {

extern "C" void* signalbox_http_thread(void* argument) {
  const std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(argument));
  (*body)();
  return nullptr;
}

}  // namespace

Thread::Thread(Thread&& other) noexcept
    : x_handle(other.x_handle), x_running(std::exchange(other.x_running, false)) {}

Thread& Thread::operator=(Thread&& other) noexcept {
  std::swap(x_handle, other.x_handle);
  std::swap(x_running, other.x_running);
  return *this;
}

bool Thread::start(const char* name, std::function<void()> body) {
  auto argument = std::unique_ptr<std::function<void()>>(
      new (std::nothrow) std::function<void()>(std::move(body)));
  pthread_attr_t attributes;
  if (!argument || ::pthread_attr_init(&attributes) != 0) return false;
  ::pthread_attr_setstacksize(&attributes, thread_stack_bytes);

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error =
      ::pthread_create(&x_handle, &attributes, &signalbox_http_thread, argument.get());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);

  if (error != 0) return false;
  argument.release();
  x_running = true;
  ::pthread_setname_np(x_handle, name);
  return true;
}

void Thread::join() {
  if (std::exchange(x_running, false)) ::pthread_join(x_handle, nullptr);
}

}  // namespace signalbox::http
