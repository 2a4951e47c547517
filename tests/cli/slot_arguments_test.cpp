// Goal: `signalbox slot` takes its own flags and leaves the command's alone. Method: literal
// command lines.
#include "cli/slot/slot_arguments.hpp"

#include <catch2/catch.hpp>

#include "cli/arguments.hpp"

namespace signalbox::cli {
namespace {

Command parse(const std::vector<std::string>& arguments) {
  return parse_arguments(arguments, [](const std::string&) { return std::nullopt; });
}

SlotRequest parse_slot(const std::vector<std::string>& arguments) {
  const Command command = parse(arguments);
  REQUIRE(std::holds_alternative<SlotRequest>(command));
  return std::get<SlotRequest>(command);
}

std::string problem_of(const std::vector<std::string>& arguments) {
  const Command command = parse(arguments);
  REQUIRE(std::holds_alternative<UsageError>(command));
  return std::get<UsageError>(command).message;
}

}  // namespace

TEST_CASE("slot arguments: what follows the dashes is the command's", "[cli][slot_arguments]") {
  const std::vector<std::string> command{"git", "--profile", "x", "--", "[a,b]", "", "-h"};
  std::vector<std::string> arguments{"slot", "--profile", "gpu/a", "--"};
  arguments.insert(arguments.end(), command.begin(), command.end());
  const SlotRequest request = parse_slot(arguments);
  CHECK(request.profile == "gpu/a");
  CHECK(request.command == command);
  CHECK(request.connection.url == "http://127.0.0.1:8642");
  CHECK_FALSE(request.priority);
  CHECK_FALSE(request.queue_wait_s);
  CHECK_FALSE(request.lease_s);
  CHECK(request.grace == std::chrono::seconds{10});
}

TEST_CASE("slot arguments: budgets, class and description", "[cli][slot_arguments]") {
  const SlotRequest request =
      parse_slot({"slot", "--url", "http://h:1", "--profile", "p", "--priority", "Background",
                  "--queue-wait", "0.5", "--inference", "600", "--lease", "15", "--description",
                  "d", "--grace", "0", "--", "true"});
  CHECK(request.connection.url == "http://h:1");
  CHECK(request.priority == Priority::background);
  CHECK(request.queue_wait_s == 0.5);
  CHECK(request.inference_s == 600.0);
  CHECK(request.lease_s == 15.0);
  CHECK(request.description == "d");
  CHECK(request.grace.count() == 0);
}

TEST_CASE("slot arguments: slips", "[cli][slot_arguments]") {
  CHECK_THAT(problem_of({"slot", "--profile", "p"}), Catch::Contains("after two dashes"));
  CHECK_THAT(problem_of({"slot", "--profile", "p", "--"}), Catch::Contains("after two dashes"));
  CHECK_THAT(problem_of({"slot", "--profile", "p", "true"}), Catch::Contains("after two dashes"));
  CHECK_THAT(problem_of({"slot", "--", "true"}), Catch::Contains("--profile"));
  CHECK_THAT(problem_of({"slot", "--profile", "a b", "--", "true"}), Catch::Contains("no name"));
  CHECK_THAT(problem_of({"slot", "--profile", "p", "--", ""}), Catch::Contains("empty"));
  CHECK_THAT(problem_of({"slot", "--profile", "p", "--lease", "0", "--", "true"}),
             Catch::Contains("--lease"));
  CHECK_THAT(problem_of({"slot", "--profile", "p", "--priority", "urgent", "--", "true"}),
             Catch::Contains("no priority"));
  CHECK_THAT(
      problem_of({"slot", "--profile", "p", "--description", std::string(201, 'x'), "--", "true"}),
      Catch::Contains("200 bytes"));
  CHECK(std::holds_alternative<PrintText>(parse({"slot", "--help"})));
}

}  // namespace signalbox::cli
