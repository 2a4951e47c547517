#include "cli/slot/slot_arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "config/words.hpp"

namespace signalbox::cli {
namespace {

constexpr std::size_t description_bytes_max = 200;

constexpr const char* slot_footer = R"(
signalbox slot --profile P [OPTIONS] -- COMMAND [ARGUMENT...]

Waits for a slot of the profile, runs COMMAND while it holds it, and ends as COMMAND ends. COMMAND
finds the slot's id in SIGNALBOX_SLOT and the daemon's address in SIGNALBOX_URL. Ctrl-C while it
waits leaves the queue.

Exit codes: COMMAND's own, 128 + N when signal N ended it; 124 the slot was lost and COMMAND was
ended, 126 and 127 COMMAND cannot be run or is not there; before COMMAND is run those of the other
commands (3 waited too long, 5 daemon unreachable, 6 queue full).

Examples:
  signalbox slot --profile gpu -- python3 train.py
  signalbox slot --profile chat --priority background --queue-wait 3600 -- ./nightly.sh

More: docs/cli.md)";

}  // namespace

CLI::App* add_slot(CLI::App& app, SlotArguments& arguments,
                   std::map<const CLI::Option*, ValueRow>& values) {
  CLI::App* slot = app.add_subcommand("slot", "Run a command while holding a slot of a profile");
  slot->footer(slot_footer);
  SlotRequest& request = arguments.request;
  slot->add_option("--profile", request.profile, "Whose slot (see: signalbox get profiles)")
      ->required();
  const CLI::Option* priority = slot->add_option("--priority", arguments.priority,
                                                 "interactive, workflow (default) or background");
  values[priority] = {false, config::priority_words()};
  slot->add_option("--queue-wait", request.queue_wait_s,
                   "Seconds to stand in line at most (default: the profile's)")
      ->check(CLI::PositiveNumber);
  slot->add_option("--inference", request.inference_s,
                   "Seconds to hold it at most (default: the profile's)")
      ->check(CLI::PositiveNumber);
  slot->add_option("--lease", request.lease_s,
                   "Seconds without a renewal after which it is taken back (default 30)")
      ->check(CLI::PositiveNumber);
  slot->add_option("--description", request.description, "Free text for `signalbox get calls`");
  slot->add_option("--grace", arguments.grace_s,
                   "Seconds between SIGTERM and SIGKILL when the slot is lost (default 10)")
      ->check(CLI::Range(0U, 86'400U));
  slot->add_option("COMMAND", arguments.misplaced, "What to run, after --");
  return slot;
}

std::vector<std::string> take_command(std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes == arguments.end()) return {};
  std::vector<std::string> command{dashes + 1, arguments.end()};
  arguments.erase(dashes, arguments.end());
  return command;
}

std::optional<std::string> settle_slot(SlotArguments& arguments) {
  SlotRequest& request = arguments.request;
  request.grace = std::chrono::seconds{arguments.grace_s};
  if (!arguments.misplaced.empty() || request.command.empty()) {
    return "the command comes after two dashes: signalbox slot --profile P -- COMMAND...";
  }
  if (request.command.front().empty()) return "COMMAND is empty";
  if (!config::is_name(request.profile)) {
    return "--profile: " + config::quote(request.profile) +
           " is no name; use 1-128 of A-Z a-z 0-9 . _ : / @ + -";
  }
  if (request.description.size() > description_bytes_max) {
    return "--description has more than 200 bytes";
  }
  return std::nullopt;
}

}  // namespace signalbox::cli
