// `signalbox worker`: binds a local LLM server to a broker.
#pragma once

#include "cli/worker/worker_arguments.hpp"

namespace signalbox::cli {

/// Runs until SIGTERM, SIGINT or an operator's drain. @returns the process's exit code.
int run_worker(const WorkerOptions& options);

}  // namespace signalbox::cli
