// Goal: the worker's arguments become its options, mistakes are told, and a session outlives the
// process. Method: literal command lines; a folder of the test's own.
#include "cli/worker/worker_arguments.hpp"

#include <sys/stat.h>

#include <unistd.h>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "cli/arguments.hpp"
#include "cli/worker/worker_session_file.hpp"

namespace signalbox::cli {
namespace {

const std::map<std::string, std::string> variables{{"LOCAL_KEY", "k1"},
                                                   {"SIGNALBOX_API_KEY", "k2"}};

Command parse(std::vector<std::string> more) {
  std::vector<std::string> all{"worker", "--upstream", "http://127.0.0.1:1234", "--llm", "desk"};
  all.insert(all.end(), more.begin(), more.end());
  return parse_arguments(all, [](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

WorkerOptions options_of(std::vector<std::string> more) {
  Command command = parse(std::move(more));
  REQUIRE(std::holds_alternative<WorkerOptions>(command));
  return std::get<WorkerOptions>(command);
}

std::string problem_of(std::vector<std::string> more) {
  Command command = parse(std::move(more));
  REQUIRE(std::holds_alternative<UsageError>(command));
  return std::get<UsageError>(command).message;
}

}  // namespace

TEST_CASE("worker_arguments: defaults", "[cli][worker_arguments]") {
  const WorkerOptions options = options_of({});
  CHECK(options.broker == "http://127.0.0.1:8642");
  CHECK(options.upstream == "http://127.0.0.1:1234");
  CHECK(options.llm == "desk");
  CHECK(options.key == "k2");
  CHECK(options.upstream_key.empty());
  CHECK(options.type == config::UpstreamType::openai);
  CHECK(options.capacity == 1);
  CHECK(options.grace_s == 30);
  CHECK_FALSE(options.is_hibernating);
}

TEST_CASE("worker_arguments: everything given", "[cli][worker_arguments]") {
  const WorkerOptions options = options_of({"--broker",
                                            "http://box:1",
                                            "--model",
                                            "m/1",
                                            "--type",
                                            "llamacpp",
                                            "--tier",
                                            "t",
                                            "--pool",
                                            "p",
                                            "--capacity",
                                            "8",
                                            "--hibernating",
                                            "--wake-command",
                                            "up now",
                                            "--wake-timeout",
                                            "90",
                                            "--session-file",
                                            "s",
                                            "--key-file",
                                            "k",
                                            "--upstream-key-env",
                                            "LOCAL_KEY",
                                            "--grace",
                                            "0",
                                            "--quiet"});
  CHECK(options.broker == "http://box:1");
  CHECK(options.type == config::UpstreamType::llamacpp);
  CHECK(options.capacity == 8);
  CHECK(options.wake_command == "up now");
  CHECK(options.wake_timeout_s == 90);
  CHECK(options.upstream_key == "k1");
  CHECK(options.key_file == "k");
  CHECK(options.grace_s == 0);
  CHECK(options.is_quiet);
}

TEST_CASE("worker_arguments: mistakes", "[cli][worker_arguments]") {
  CHECK_THAT(problem_of({"--hibernating"}), Catch::Contains("go together"));
  CHECK_THAT(problem_of({"--wake-command", "x"}), Catch::Contains("go together"));
  CHECK_THAT(problem_of({"--hibernating", "--wake-command", "x"}), Catch::Contains("--model"));
  CHECK_THAT(problem_of({"--pool", "a b"}), Catch::Contains("--pool"));
  CHECK_THAT(problem_of({"--type", "gpt"}), Catch::Contains("gpt"));
  CHECK_THAT(problem_of({"--capacity", "1001"}), Catch::Contains("--capacity"));
  CHECK_THAT(problem_of({"--upstream-key-env", "NONE"}), Catch::Contains("NONE"));
  CHECK_THAT(problem_of({"--key", "secret"}), Catch::Contains("--key"));
  CHECK_THAT(problem_of({"--modl", "x"}), Catch::Contains("did you mean --model?"));
}

TEST_CASE("worker_session_file: written whole, for the owner only", "[cli][worker_session_file]") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("signalbox-session-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string file = folder / "session";
  CHECK(load_session(file).empty());
  CHECK_FALSE(save_session(file, "s-1"));
  CHECK_FALSE(save_session(file, "s-2"));
  CHECK(load_session(file) == "s-2");
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
  CHECK(std::distance(std::filesystem::directory_iterator{folder}, {}) == 1);
  CHECK_FALSE(save_session(file, "../x"));
  CHECK(load_session(file).empty());
  CHECK_THAT(save_session(folder / "none" / "session", "s").value_or(""),
             Catch::Contains("cannot write the session"));
  std::filesystem::remove_all(folder);
}

}  // namespace signalbox::cli
