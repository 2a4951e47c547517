// Goal: whatever file a user has at hand is replayed exactly, or he is told what it lacks. Method:
// files written here with waits that are known by hand, every kind of slip, and an hour of real
// traffic whose waits two unrelated programs have computed (skipped without the traces).
#include "cli/sim/replay_source.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "simulations/world/run.hpp"

namespace signalbox::cli {
namespace {

using namespace std::chrono_literals;

/// A file that is gone with it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) { std::ofstream{path, std::ios::binary} << text; }
  ~TemporaryFile() { std::filesystem::remove(path); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string path =
      (std::filesystem::temp_directory_path() / ("signalbox-replay-" + std::to_string(getpid())))
          .string();
};

/// One slot unless told, 1 s a call and 1 s a token.
ReplayOptions trace_options(const std::string& path) {
  ReplayOptions options;
  options.file = path;
  options.slots = 1;
  options.service = sim::ServiceLaw{{sim::LawKind::constant, Duration{1s}.count()}, {}, 1s};
  return options;
}

sim::RunFigures figures_of(const ReplayOptions& options) {
  const auto source = open_replay(options);
  if (source.has_error()) FAIL(source.error().message);
  auto figures = sim::run(source->scenario, {});
  if (figures.has_error()) FAIL(figures.error().message);
  return std::move(*figures);
}

const sim::ClassFigures& line_of(const sim::RunFigures& figures) {
  return figures.classes[to_index(Priority::workflow)];
}

std::string problem_of(const ReplayOptions& options) {
  const auto source = open_replay(options);
  REQUIRE(source.has_error());
  CHECK(source.error().exit_code == ExitCode::usage);
  const std::string& message = source.error().message;
  return message.starts_with(options.file) ? message.substr(options.file.size()) : message;
}

std::string problem_of(const std::string& text) {
  const TemporaryFile file{text};
  return problem_of(trace_options(file.path));
}

const std::string azure =
    "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
    "2023-11-16 18:15:46.6805900,374,2\r\n"
    "2023-11-16 18:15:47.6805900,396,1\r\n"
    "2023-11-16 18:15:50.6805900,879,3";

const std::string mooncake =
    R"({"timestamp": 27482, "input_length": 374, "output_length": 2, "hash_ids": [1, 2]})"
    "\n"
    R"({"timestamp": 28482, "input_length": 396, "output_length": 1, "hash_ids": []})"
    "\n"
    R"({"timestamp": 31482, "input_length": 879, "output_length": 3, "hash_ids": [7]})"
    "\n";

/// Calls of 3, 2 and 4 s at 0, 1 and 4 s: the second waits for 2 s, the third for 1 s.
void check_three_calls(const sim::RunFigures& figures) {
  CHECK(figures.tasks == 3);
  CHECK(line_of(figures).done == 3);
  CHECK(line_of(figures).waited == 2);
  CHECK((line_of(figures).wait_sum == sim::TaskTime{3'000'000'000}));
  CHECK(line_of(figures).waits.max() == 2s);
  CHECK(figures.length == 9s);
}

/// Calls of 0.1 s and 0.02 s per token. @returns nothing when the trace is not there.
std::optional<sim::RunFigures> replay_published(const char* name, std::uint32_t slots) {
  const char* given = std::getenv("SIGNALBOX_TRACES");
  const std::filesystem::path folder =
      given != nullptr ? std::filesystem::path{given}
                       : std::filesystem::path{SIGNALBOX_SOURCE_DIR} / "../shared/traces";
  ReplayOptions options;
  options.file = (folder / name).string();
  if (!std::filesystem::exists(options.file)) {
    WARN("skipped: no traces");
    return std::nullopt;
  }
  options.slots = slots;
  options.service = sim::ServiceLaw{{sim::LawKind::constant, Duration{100ms}.count()}, {}, 20ms};
  return figures_of(options);
}

}  // namespace

TEST_CASE("replay: a CSV trace in the published form", "[cli][replay]") {
  const TemporaryFile file{azure};
  check_three_calls(figures_of(trace_options(file.path)));
}

TEST_CASE("replay: a CSV trace with other columns and times", "[cli][replay]") {
  const TemporaryFile file{
      "id,in,when,out\n1,374,1700000000,2\n2,396,1700000001,1\n3,9,1700000004,3\n"};
  ReplayOptions options = trace_options(file.path);
  options.columns = TraceColumns{"when", "in", "out"};
  options.time_unit = 1s;
  check_three_calls(figures_of(options));
  // What a column of numbers counts is not guessed.
  options.time_unit.reset();
  CHECK(problem_of(options) ==
        ":2: \"1700000000\" is no time; it is a number: say of what with --time s, ms or us");
  options.columns = TraceColumns{"then", "in", "out"};
  CHECK(problem_of(options) == ":1: there is no column \"then\"");
}

TEST_CASE("replay: a trace of JSON lines", "[cli][replay]") {
  const TemporaryFile file{mooncake};
  check_three_calls(figures_of(trace_options(file.path)));
  ReplayOptions options = trace_options(file.path);
  options.columns = TraceColumns{"timestamp", "", "output_length"};
  options.time_unit = 1ms;
  check_three_calls(figures_of(options));
}

TEST_CASE("replay: more traffic, more waits, the same work", "[cli][replay]") {
  for (const std::string* text : {&azure, &mooncake}) {
    const TemporaryFile file{*text};
    ReplayOptions options = trace_options(file.path);
    options.traffic = 2'000;
    // Calls at 0, 0.5 and 2 s: waits of 2.5 and 3 s.
    const auto figures = figures_of(options);
    CHECK((line_of(figures).wait_sum == sim::TaskTime{5'500'000'000}));
    CHECK(figures.length == 9s);
    options.traffic = 500;
    CHECK(line_of(figures_of(options)).waited == 1);
  }
}

TEST_CASE("replay: the shortest first learns what answers come to", "[cli][replay]") {
  // One client, so all it learns is the mean: nobody is told from anybody.
  std::string text = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  for (int second = 10; second < 60; ++second) {
    text += "2023-11-16 18:00:" + std::to_string(second) + ".0000000,10," +
            std::to_string(second % 3) + "\n";
  }
  const TemporaryFile file{text};
  const ReplayOptions options = trace_options(file.path);
  auto source = open_replay(options);
  REQUIRE(source.has_value());
  CHECK(source->scenario.backends[0].reports_usage);
  CHECK(source->scenario.clients[0].declares_input);
  CHECK_FALSE(source->scenario.clients[0].declares_size);
  const auto strict = sim::run(source->scenario, {});
  sim::set_policy(source->scenario, "sjf");
  const auto shortest = sim::run(source->scenario, {});
  REQUIRE(strict.has_value());
  REQUIRE(shortest.has_value());
  // The order changes with what it has learned meanwhile; no call is lost for it.
  CHECK(line_of(*shortest).done == line_of(*strict).done);
  CHECK(shortest->length == strict->length);
}

TEST_CASE("replay: what a trace does not tell has to be said", "[cli][replay]") {
  const TemporaryFile file{azure};
  ReplayOptions options = trace_options(file.path);
  options.slots.reset();
  CHECK_THAT(problem_of(options), Catch::Contains("give --slots N and --service OVERHEAD_S"));
  options = trace_options(file.path);
  options.service.reset();
  CHECK_THAT(problem_of(options), Catch::Contains("give --slots N and --service OVERHEAD_S"));
  options = trace_options(file.path);
  options.columns = TraceColumns{"TIMESTAMP", "ContextTokens", ""};
  CHECK(problem_of(options) ==
        "--service counts tokens of answers, and --columns names no tokens_out");
  options.columns = TraceColumns{"TIMESTAMP", "", "GeneratedTokens"};
  options.service->per_token_in = 1ms;
  CHECK(problem_of(options) ==
        "--service counts tokens of prompts, and --columns names no tokens_in");
}

TEST_CASE("replay: a file that is something else is told with the forms that are read",
          "[cli][replay]") {
  for (const char* text :
       {"0,1.5,2,Gamma,1,1\n", "{}\n", "{\"timestamp\": 1}\n", "[1,2]\n", "{a\n", "ID PROFILE\n"}) {
    INFO(text);
    const std::string problem = problem_of(std::string{text});
    CHECK_THAT(problem, Catch::StartsWith(" begins with "));
    CHECK_THAT(problem, Catch::Contains("signalbox get calls -o jsonl"));
    CHECK_THAT(problem, Catch::Contains("TIMESTAMP, ContextTokens, GeneratedTokens"));
    CHECK_THAT(problem, Catch::Contains("timestamp, input_length, output_length"));
    CHECK_THAT(problem, Catch::Contains("--columns time=NAME"));
  }
  CHECK(problem_of(std::string{"\x1f\x8b\x08"}) == " is packed by gzip: unpack it first");
  CHECK(problem_of(std::string{"\x28\xb5\x2f\xfd\x04"}) == " is packed by zstd: unpack it first");
  CHECK(problem_of(std::string{" \n\n"}) == " has no calls");
  CHECK(problem_of(std::string{"TIMESTAMP,ContextTokens,GeneratedTokens\n"}) == " has no calls");
  CHECK(problem_of(trace_options("/none/such")) == "cannot read /none/such");
}

TEST_CASE("replay: a slip in a trace is told with its line", "[cli][replay]") {
  CHECK(problem_of(std::string{"TIMESTAMP,ContextTokens,GeneratedTokens\nnoon,1,1\n"}) ==
        ":2: \"noon\" is no time");
  const auto in_lines = [](const std::string& second) {
    return problem_of(mooncake.substr(0, mooncake.find('\n') + 1) + second + "\n");
  };
  CHECK(in_lines("[]") == ":2: this is no JSON object");
  CHECK(in_lines(R"({"timestamp": "noon"})") == ":2: there is no time in \"timestamp\"");
  CHECK(in_lines(R"({"timestamp": 1, "input_length": 1, "output_length": 1})") ==
        ":2: the lines are not in the order of their times");
  CHECK(in_lines(R"({"timestamp": 30000, "input_length": -1, "output_length": 1})") ==
        ":2: there is no number of tokens in \"input_length\"");
  CHECK(in_lines(R"({"timestamp": 30000, "input_length": 1, "output_length": 10000001})") ==
        ":2: there is no number of tokens in \"output_length\"");
}

TEST_CASE("replay: rows of calls tell themselves what a trace does not", "[cli][replay]") {
  const TemporaryFile file{
      R"({"id":"1","profile":"p","priority":"workflow","pool":null,"backend":"m","owner":"ann",)"
      R"("queued_at":"2026-11-21T12:00:00.000Z","admitted_at":"2026-11-21T12:00:00.000Z",)"
      R"("finished_at":"2026-11-21T12:00:02.000Z","service_time_ms":2000})"};
  ReplayOptions options;
  options.file = file.path;
  const auto figures = figures_of(options);
  CHECK(figures.tasks == 1);
  CHECK(figures.length == 2s);
  options.service = sim::ServiceLaw{};
  CHECK_THAT(problem_of(options),
             Catch::StartsWith("--service, --columns and --time are for traces"));
}

TEST_CASE("replay: an hour of real traffic, every microsecond of its waits",
          "[cli][replay][trace]") {
  const auto figures = replay_published("azure-llm-2023/AzureLLMInferenceTrace_conv.csv", 28);
  if (!figures) return;
  const auto& line = line_of(*figures);
  CHECK(figures->tasks == 19'366);
  CHECK(sim::to_us(line.wait_sum) == 14'962'629'511);
  CHECK(line.waited == 7'925);
  CHECK(sim::to_us(line.waits.quantile(990)) == 8'464'129);
  CHECK(sim::to_us(line.waits.max()) == 12'415'666);
  CHECK(sim::to_us(figures->length) == 3'509'840'254);
}

TEST_CASE("replay: an hour of sampled conversations", "[cli][replay][trace]") {
  const auto figures = replay_published("mooncake-fast25/conversation_trace.jsonl", 64);
  if (!figures) return;
  CHECK(figures->tasks == 12'031);
  CHECK(line_of(*figures).done == 12'031);
  CHECK((line_of(*figures).wait_sum == line_of(*figures).queue_integral));
}

}  // namespace signalbox::cli
