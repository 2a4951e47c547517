// The one binary: takes the command line apart and runs what it asks for.
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/chat/chat.hpp"
#include "cli/client/failure.hpp"
#include "cli/client/output.hpp"
#include "cli/completion/completion.hpp"
#include "cli/keys.hpp"
#include "cli/serve/config_check.hpp"
#include "cli/serve/system_ports.hpp"
#include "cli/show/cancel.hpp"
#include "cli/show/describe.hpp"
#include "cli/show/get.hpp"
#include "cli/show/top.hpp"
#include "cli/sim/sim.hpp"
#include "cli/sim/sim_compare.hpp"
#include "cli/sim/sim_experiment.hpp"
#include "cli/sim/sim_fuzz.hpp"
#include "cli/sim/sim_shrink.hpp"
#include "cli/slot/slot.hpp"
#include "cli/worker/worker.hpp"

namespace signalbox::cli {
namespace {

struct Runner {
  int operator()(const PrintText& print) const {
    return to_int(print_out(print.text) ? ExitCode::ok : ExitCode::failure);
  }
  int operator()(const UsageError& error) const { return report({ExitCode::usage, error.message}); }
  int operator()(const ServeOptions& options) const { return run_serve(options); }
  int operator()(const GetOptions& options) const {
    set_client_signals();
    SystemWallClock clock;
    return run_get(options, clock);
  }
  int operator()(const DescribeOptions& options) const {
    set_client_signals();
    return run_describe(options, SystemWallClock{}.now());
  }
  int operator()(const CancelOptions& options) const {
    set_client_signals();
    return run_cancel(options);
  }
  int operator()(const ChatOptions& options) const {
    set_client_signals();
    return run_chat(options);
  }
  int operator()(const ConfigCheckOptions& options) const { return run_config_check(options); }
  int operator()(const CompletionOptions& options) const {
    const bool is_printed = print_out(make_completion(options.shell, make_command_table()));
    return to_int(is_printed ? ExitCode::ok : ExitCode::failure);
  }
  int operator()(const NewKeyOptions& options) const { return run_new_key(options); }
  int operator()(const SlotRequest& request) const { return run_slot(request); }
  int operator()(const TopOptions& options) const {
    set_client_signals();
    SystemWallClock clock;
    return run_top(options, clock);
  }
  int operator()(const WorkerOptions& options) const { return run_worker(options); }
  int operator()(const SimOptions& options) const {
    set_client_signals();
    return run_sim(options);
  }
  int operator()(const ReplayOptions& options) const {
    set_client_signals();
    return run_replay(options);
  }
  int operator()(const CompareOptions& options) const {
    set_client_signals();
    return run_compare(options);
  }
  int operator()(const ExperimentOptions& options) const {
    set_client_signals();
    return run_experiment(options);
  }
  int operator()(const ListExperiments&) const { return list_experiments(); }
  int operator()(const FuzzOptions& options) const {
    set_client_signals();
    return run_fuzz(options);
  }
  int operator()(const ShrinkOptions& options) const {
    set_client_signals();
    return run_shrink(options);
  }
};

}  // namespace
}  // namespace signalbox::cli

int main(int argc, char** argv) {
  using namespace signalbox;
  const std::vector<std::string> arguments{argv + (argc > 0 ? 1 : 0), argv + argc};
  return std::visit(cli::Runner{}, cli::parse_arguments(arguments, config::environment_lookup));
}
