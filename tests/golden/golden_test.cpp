// Goal: one scenario is one run, with any compiler, at any level of optimisation, on any machine.
// Method: a table of scenarios and of the hashes that their runs always had. A program of its own,
// so that scripts/same_hashes can build it four times over.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <set>
#include <sstream>

#include "config/words.hpp"
#include "simulations/figures/figures.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

/// A line of hashes.txt; "-" = as the scenario says.
struct Row {
  std::string file;
  std::string seed;
  std::string tasks;
  std::string policy;
  std::string commit;
  std::string slots;
  std::string order;
  std::string hash;
};

bool is_said(const std::string& cell) {
  return cell != "-";
}

std::vector<Row> read_rows() {
  std::vector<Row> rows;
  std::istringstream lines{read_project_file("tests/golden/hashes.txt")};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream cells{line};
    Row row;
    cells >> row.file >> row.seed >> row.tasks >> row.policy >> row.commit >> row.slots >>
        row.order >> row.hash;
    INFO(line);
    REQUIRE(cells);
    rows.push_back(row);
  }
  return rows;
}

std::string print(const Row& row, const std::string& hash) {
  std::ostringstream text;
  text << std::left << std::setw(56) << row.file << std::setw(5) << row.seed << std::setw(6)
       << row.tasks << std::setw(8) << row.policy << std::setw(9) << row.commit << std::setw(6)
       << row.slots << std::setw(6) << row.order << hash;
  return text.str();
}

sim::Scenario scenario_of(const Row& row) {
  sim::Scenario scenario = read_whole_scenario(read_project_file(row.file), row.file);
  if (is_said(row.seed)) scenario.seed = std::stoull(row.seed);
  if (is_said(row.tasks)) scenario.tasks = std::stoull(row.tasks);
  if (is_said(row.policy)) sim::set_policy(scenario, row.policy);
  if (is_said(row.commit)) scenario.commit = *config::parse_commit_mode(row.commit);
  if (is_said(row.slots)) {
    sim::set_slots(scenario, static_cast<std::uint32_t>(std::stoul(row.slots)));
  }
  if (is_said(row.order)) scenario.schedule_seed = std::stoull(row.order);
  return scenario;
}

/// SIGNALBOX_HASH_EVERY, or 65,536.
std::uint64_t events_of_block() {
  const char* given = std::getenv("SIGNALBOX_HASH_EVERY");
  return given == nullptr ? 65'536 : std::max<std::uint64_t>(std::stoull(given), 1);
}

std::string blocks_of(const Row& row) {
  const sim::Scenario scenario = scenario_of(row);
  return sim::print_blocks(run_scenario(scenario, {.seed = scenario.seed,
                                                   .schedule_seed = scenario.schedule_seed,
                                                   .hash_every = events_of_block()}));
}

std::string hash_of(const Row& row) {
  const sim::Scenario scenario = scenario_of(row);
  const auto figures =
      run_scenario(scenario, {.seed = scenario.seed, .schedule_seed = scenario.schedule_seed});
  std::ostringstream hash;
  hash << std::hex << std::setw(16) << std::setfill('0') << figures.trace_hash;
  return hash.str();
}

void note_profiles(const sim::Scenario& scenario, std::set<std::string>& found) {
  for (const auto& [name, settings] : scenario.profiles) {
    const PolicyOptions& options = settings.policy_options;
    if (settings.policy == "fair" && !options.fair_weights.empty()) found.insert("owner weights");
    if (settings.policy == "swap" && options.swap_hold_s > 0) found.insert("held swaps");
    if (settings.preempt == Preempt::background) found.insert("preemption");
    if (settings.tune_slots) found.insert("tuned slots");
  }
}

void note_backends(const sim::Scenario& scenario, std::set<std::string>& found) {
  for (const auto& [pool, choice] : scenario.pools) found.insert(std::string{to_string(choice)});
  for (const sim::BackendSpec& backend : scenario.backends) {
    if (!backend.models.empty()) found.insert("models");
    if (backend.worker) found.insert(backend.worker->wakes_in ? "sleepers" : "workers");
  }
}

void note_clients(const sim::Scenario& scenario, std::set<std::string>& found) {
  for (const sim::ClientSpec& client : scenario.clients) {
    if (client.retry) found.insert("retries");
    if (client.sessions > 0) found.insert("sessions");
    if (client.slot) found.insert("slots of apps");
    if (client.cancel) found.insert("cancels");
    if (client.hang_up) found.insert("hang-ups");
    if (client.duplicate) found.insert("duplicates");
  }
}

}  // namespace

TEST_CASE("golden: every scenario has the hash it always had", "[golden][determinism]") {
  for (const Row& row : read_rows()) {
    const std::string hash = hash_of(row);
    INFO("now it is: " << print(row, hash));
    CHECK(row.hash == hash);
  }
}

TEST_CASE("golden: the table has every policy and both commit modes", "[golden][determinism]") {
  const auto rows = read_rows();
  std::set<std::string> policies;
  std::set<CommitMode> modes;
  std::set<std::string> hashes;
  for (const Row& row : rows) {
    const sim::Scenario scenario = scenario_of(row);
    for (const auto& [name, settings] : scenario.profiles) policies.insert(settings.policy);
    modes.insert(scenario.commit);
    hashes.insert(row.hash);
  }
  CHECK(policies == std::set<std::string>{"aging", "fair", "sjf", "strict", "swap"});
  CHECK(modes.size() == 2);
  // Runs of their own, and not one run by many names.
  CHECK(hashes.size() >= 40);
}

TEST_CASE("golden: the table has all that moves calls", "[golden][determinism]") {
  std::set<std::string> found;
  for (const Row& row : read_rows()) {
    const sim::Scenario scenario = scenario_of(row);
    note_profiles(scenario, found);
    note_backends(scenario, found);
    note_clients(scenario, found);
    if (!scenario.faults.empty()) found.insert("faults");
    if (!scenario.has_breaker) found.insert("no breaker");
    if (scenario.gc) found.insert("collector");
  }
  CHECK(found == std::set<std::string>{
                     "affinity",    "cancels",       "collector",     "duplicates",   "faults",
                     "first_match", "hang-ups",      "held swaps",    "least_loaded", "models",
                     "no breaker",  "owner weights", "preemption",    "retries",      "round_robin",
                     "sessions",    "sleepers",      "slots of apps", "tuned slots",  "workers"});
}

// Hidden: what scripts/renew_hashes puts into the table.
TEST_CASE("golden: print the table", "[.print]") {
  for (const Row& row : read_rows()) std::cout << print(row, hash_of(row)) << "\n";
}

// Hidden: where in a run two compilers part is in the first line that differs.
TEST_CASE("golden: print the hashes of blocks", "[.blocks]") {
  for (const Row& row : read_rows()) std::cout << print(row, row.hash) << "\n" << blocks_of(row);
}

}  // namespace signalbox::testing
