#include "cli/worker/worker.hpp"

#include <csignal>
#include <cstdlib>
#include <memory>
#include <thread>

#include "cli/client/api_client.hpp"
#include "cli/worker/worker_program.hpp"
#include "config/words.hpp"

namespace signalbox::cli {
namespace {

Outcome<http::BaseUrl> read_url(const char* whose, const std::string& url) {
  auto base = http::parse_base_url(url);
  if (base.has_value()) return std::move(*base);
  return Failure{ExitCode::usage,
                 std::string{whose} + " URL " + config::quote(url) + ": " + base.error().message};
}

Outcome<WorkerAddresses> read_addresses(const WorkerOptions& options) {
  auto broker = read_url("the broker's", options.broker);
  if (broker.has_error()) return broker.error();
  auto upstream = read_url("the upstream's", options.upstream);
  if (upstream.has_error()) return upstream.error();
  auto key = read_key({options.broker, options.key_file, options.key});
  if (key.has_error()) return key.error();
  return WorkerAddresses{std::move(*broker), std::move(*key), std::move(*upstream)};
}

/// The first signal asks for an end in good order, the second one ends at once.
void watch_signals(const std::weak_ptr<WorkerProgram>& program, const sigset_t& signals) {
  std::thread{[program, signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    if (const auto running = program.lock()) running->stop();
    sigwait(&signals, &signal);
    std::_Exit(to_int(ExitCode::interrupted));
  }}.detach();
}

}  // namespace

int run_worker(const WorkerOptions& options) {
  const auto addresses = read_addresses(options);
  if (addresses.has_error()) return report(addresses.error());
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  // Blocked before the first thread, so that the watch is the only one to get them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const auto program = std::make_shared<WorkerProgram>(options, *addresses);
  watch_signals(program, signals);
  return program->run();
}

}  // namespace signalbox::cli
