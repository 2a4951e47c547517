// Goal: every command line becomes the right options or a clear message. Method: literal command
// lines, made environment.
#include "cli/arguments.hpp"
#include "tests/cli/command_lines.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "cli/build_name.hpp"

namespace signalbox::cli {
namespace {

using testing::parse;
using testing::usage_error;

std::string printed(const std::vector<std::string>& arguments) {
  const Command command = parse(arguments);
  REQUIRE(std::holds_alternative<PrintText>(command));
  return std::get<PrintText>(command).text;
}

}  // namespace

TEST_CASE("arguments: help and version", "[cli][arguments]") {
  CHECK_THAT(printed({}), Catch::Contains("Examples:\n  signalbox serve"));
  CHECK_THAT(printed({"--help"}), Catch::Contains("Exit codes:"));
  CHECK_THAT(printed({"--help"}), Catch::Contains("chat-llm"));
  CHECK_THAT(printed({"--help"}), Catch::Contains("config check"));
  CHECK_THAT(printed({"get", "--help"}), Catch::Contains("--no-headers"));
  CHECK_THAT(printed({"chat-llm", "-h"}), Catch::Contains("--max-tokens"));
  CHECK_THAT(printed({"config", "check", "--help"}), Catch::Contains("FILE"));
  CHECK_THAT(printed({"--version"}), Catch::StartsWith("signalbox " SIGNALBOX_VERSION));
  CHECK(printed({"--version"}) == "signalbox " + build_name() + "\n");
}

TEST_CASE("arguments: serve", "[cli][arguments]") {
  const Command command = parse({"serve", "--config", "my.yaml", "--bind", "::1", "--port", "0",
                                 "--store", "/x", "--commit", "relaxed", "--quiet"});
  REQUIRE(std::holds_alternative<ServeOptions>(command));
  const auto& options = std::get<ServeOptions>(command);
  CHECK(options.config == "my.yaml");
  CHECK(options.flags == config::Flags{"::1", "0", "/x", "relaxed"});
  CHECK(options.quiet);
  const auto plain = std::get<ServeOptions>(parse({"serve"}));
  CHECK_FALSE(plain.config);
  CHECK(plain.flags == config::Flags{});
  CHECK_FALSE(plain.quiet);
}

TEST_CASE("arguments: sim", "[cli][arguments]") {
  const auto options =
      std::get<SimOptions>(parse({"sim", "night.yaml", "--seed", "7", "--slots", "3", "--policy",
                                  "strict", "--out", "/o", "--traces", "/t"}));
  CHECK(options.file == "night.yaml");
  CHECK(options.seed == 7);
  CHECK(options.slots == 3);
  CHECK(options.policy == "strict");
  CHECK(options.out == "/o");
  CHECK(options.traces == "/t");
  const auto plain =
      std::get<SimOptions>(parse({"sim", "night.yaml"}, {{"SIGNALBOX_TRACES", "/elsewhere"}}));
  CHECK_FALSE(plain.seed);
  CHECK_FALSE(plain.slots);
  CHECK_FALSE(plain.is_checked);
  CHECK(std::get<SimOptions>(parse({"sim", "night.yaml", "--check"})).is_checked);
  CHECK(plain.traces == "/elsewhere");
  CHECK_THAT(usage_error({"sim"}), Catch::Contains("SCENARIO is required"));
  CHECK_THAT(usage_error({"sim", "night.yaml", "--slots", "0"}), Catch::Contains("--slots"));
  CHECK_THAT(usage_error({"sim", "night.yaml", "--policy", "lottery"}),
             Catch::StartsWith("--policy: "));
}

TEST_CASE("arguments: sim experiment", "[cli][arguments]") {
  const auto options =
      std::get<ExperimentOptions>(parse({"sim", "experiment", "e1_oracles", "--quick", "--seeds",
                                         "3-5", "--tasks", "2000", "--out", "/o"},
                                        {{"SIGNALBOX_TRACES", "/traces"}}));
  CHECK(options.name == "e1_oracles");
  CHECK(options.is_quick);
  CHECK(options.seeds == std::vector<std::uint64_t>{3, 4, 5});
  CHECK(options.tasks == 2'000);
  CHECK(options.out == "/o");
  CHECK(options.traces == "/traces");
  const auto plain = std::get<ExperimentOptions>(parse({"sim", "experiment", "./mine"}));
  CHECK_FALSE(plain.is_quick);
  CHECK(plain.seeds.empty());
  CHECK_FALSE(plain.tasks);
  CHECK_THAT(usage_error({"sim", "experiment"}), Catch::Contains("NAME is required"));
  CHECK_THAT(usage_error({"sim", "experiment", "x", "--seeds", "5-3"}), Catch::Contains("--seeds"));
  CHECK_THAT(usage_error({"sim", "experiment", "x", "--tasks", "19"}), Catch::Contains("--tasks"));
  CHECK(std::holds_alternative<ListExperiments>(parse({"sim", "experiments"})));
}

TEST_CASE("arguments: sim fuzz", "[cli][arguments]") {
  const auto usual = std::get<FuzzOptions>(parse({"sim", "fuzz"}));
  CHECK(usual.first_seed == 1);
  CHECK(usual.last_seed == 100);
  CHECK_FALSE(usual.jobs);
  const auto options = std::get<FuzzOptions>(
      parse({"sim", "fuzz", "--seeds", "1-100000", "--jobs", "2", "--tasks", "1000"}));
  CHECK(options.last_seed == 100'000);
  CHECK(options.jobs == 2);
  CHECK(options.tasks == 1000);
  CHECK(std::get<FuzzOptions>(parse({"sim", "fuzz", "--seeds", "7"})).first_seed == 7);
  CHECK_THAT(usage_error({"sim", "fuzz", "--seeds", "9-1"}),
             Catch::Contains("neither a number nor a span"));
  CHECK_THAT(usage_error({"sim", "fuzz", "--seeds", "1-2", "--out", "x"}),
             Catch::Contains("one seed"));
  CHECK_THAT(usage_error({"sim", "fuzz", "--tasks", "0"}), Catch::Contains("--tasks"));
}

TEST_CASE("arguments: sim shrink", "[cli][arguments]") {
  const auto options = std::get<ShrinkOptions>(
      parse({"sim", "shrink", "broken.yaml", "--out", "small.yaml", "--seconds", "300"},
            {{"SIGNALBOX_TRACES", "/elsewhere"}}));
  CHECK(options.file == "broken.yaml");
  CHECK(options.out == "small.yaml");
  CHECK(options.seconds == 300);
  CHECK(options.traces == "/elsewhere");
  CHECK_FALSE(options.seed);
  const auto drawn = std::get<ShrinkOptions>(
      parse({"sim", "shrink", "--seed", "7", "--tasks", "50", "--out", "small.yaml"}));
  CHECK(drawn.seed == 7);
  CHECK(drawn.tasks == 50);
  CHECK(drawn.seconds == 60);
  CHECK_THAT(usage_error({"sim", "shrink", "--out", "x"}),
             Catch::Contains("SCENARIO or --seed is required"));
  CHECK_THAT(usage_error({"sim", "shrink", "broken.yaml"}), Catch::Contains("--out is required"));
  CHECK_THAT(usage_error({"sim", "shrink", "broken.yaml", "--seed", "1", "--out", "x"}),
             Catch::Contains("excludes"));
}

TEST_CASE("arguments: sim compare", "[cli][arguments]") {
  const auto options = std::get<CompareOptions>(
      parse({"sim", "compare", "night.yaml", "--policies", "strict", "--slots", "2,3", "--seeds",
             "4-6", "--out", "/o", "--traces", "/t"}));
  CHECK(options.file == "night.yaml");
  CHECK(options.policies == std::vector<std::string>{"strict"});
  CHECK(options.slots == std::vector<std::uint32_t>{2, 3});
  CHECK(options.seeds == std::vector<std::uint64_t>{4, 5, 6});
  CHECK(options.out == "/o");
  CHECK(options.traces == "/t");
  const auto plain =
      std::get<CompareOptions>(parse({"sim", "compare", "x.yaml", "--slots", "1,2"}));
  CHECK(plain.seeds.size() == 10);
  CHECK_THAT(usage_error({"sim", "compare", "x.yaml"}), Catch::Contains("nothing to compare"));
  CHECK_THAT(usage_error({"sim", "compare", "x.yaml", "--policies", "strict", "--slots", "2"}),
             Catch::Contains("nothing to compare"));
  CHECK_THAT(usage_error({"sim", "compare"}), Catch::Contains("SCENARIO is required"));
  CHECK_THAT(usage_error({"sim", "compare", "x.yaml", "--policies", "strict,aging,strict"}),
             Catch::Contains("--policies names one of them twice"));
  CHECK_THAT(usage_error({"sim", "compare", "x.yaml", "--slots", "2,2"}),
             Catch::Contains("--slots names one of them twice"));
  // Values with commas and braces are one value each.
  const auto changed = std::get<CompareOptions>(
      parse({"sim", "compare", "x.yaml", "--variant", "a={profiles: {p: {max_queued: 1}}, seed: 2}",
             "--variant", "b={}"}));
  CHECK(changed.variants ==
        std::vector<std::string>{"a={profiles: {p: {max_queued: 1}}, seed: 2}", "b={}"});
  for (const char* seeds : {"6-4", "", "1-", "-3", "0-1000", "one"}) {
    CHECK_THAT(usage_error({"sim", "compare", "x.yaml", "--slots", "1,2", "--seeds", seeds}),
               Catch::StartsWith("--seeds "));
  }
}

TEST_CASE("arguments: get", "[cli][arguments]") {
  const auto options = std::get<GetOptions>(
      parse({"get", "task", "--status", "pending", "--status", "running", "--pool", "a/b", "-o",
             "wide", "--no-headers", "--limit", "7", "--url", "http://h:1"}));
  CHECK(options.resource == find_resource("tasks"));
  CHECK_FALSE(options.name);
  CHECK(options.format == OutputFormat::wide);
  CHECK_FALSE(options.headers);
  CHECK(options.limit == 7);
  using Filters = std::vector<std::pair<std::string, std::string>>;
  CHECK(options.filters == Filters{{"status", "pending"}, {"status", "running"}, {"pool", "a/b"}});
  CHECK(options.connection.url == "http://h:1");
  CHECK(std::get<GetOptions>(parse({"get", "--status", "pending", "tasks"})).filters.size() == 1);
  CHECK(std::get<GetOptions>(parse({"get", "llm", "qwen"})).name == "qwen");
  CHECK(std::get<GetOptions>(parse({"get", "llms", "--json"})).format == OutputFormat::json);
  CHECK(std::get<GetOptions>(parse({"get", "llms", "-o", "jsonl"})).format == OutputFormat::jsonl);
  CHECK(std::get<GetOptions>(parse({"get", "llms", "-o", "name"})).format == OutputFormat::name);
}

TEST_CASE("arguments: get calls", "[cli][arguments]") {
  using Filters = std::vector<std::pair<std::string, std::string>>;
  const auto options = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"get", "calls"});
    return std::get<GetOptions>(parse(more));
  };
  const auto whole = options({"--profile", "a/b", "--status", "queue_wait_timeout", "--since",
                              "2026-11-21T04:00:00Z", "--limit", "2500", "-o", "name", "-w"});
  CHECK(whole.resource == find_resource("call"));
  CHECK(whole.filters == Filters{{"status", "queue_wait_timeout"},
                                 {"profile", "a/b"},
                                 {"since", "2026-11-21T04:00:00Z"}});
  CHECK(whole.limit == 2500);
  CHECK_FALSE(whole.since_ago);
  CHECK(options({"--since", "90s"}).since_ago == std::chrono::seconds{90});
  CHECK(options({"--since", "15m"}).since_ago == std::chrono::minutes{15});
  CHECK(options({"--since", "2h"}).since_ago == std::chrono::hours{2});
  CHECK(options({"--since", "7d"}).since_ago == std::chrono::days{7});
  for (const char* word : {"m", "15", "-1m", "1.5h", "15 m", "yesterday"}) {
    CHECK_THAT(usage_error({"get", "calls", "--since", word}), Catch::Contains("neither a span"));
  }
  CHECK_THAT(usage_error({"get", "calls", "--status", "pending"}),
             Catch::Contains("there are queued, running, ok"));
  CHECK_THAT(usage_error({"get", "calls", "--status", "ok", "--status", "error"}),
             Catch::Contains("once"));
  CHECK_THAT(usage_error({"get", "calls", "--owner", "me"}),
             Catch::Contains("not for `get calls`"));
  CHECK_THAT(usage_error({"get", "tasks", "--since", "1m"}),
             Catch::Contains("not for `get tasks`"));
  CHECK_THAT(usage_error({"get", "tasks", "--profile", "p"}), Catch::Contains("--profile"));
}

TEST_CASE("arguments: which daemon and key", "[cli][arguments]") {
  const auto connection = [](const std::vector<std::string>& extra,
                             const std::map<std::string, std::string>& environment) {
    std::vector<std::string> arguments{"get", "llms"};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    return std::get<GetOptions>(parse(arguments, environment)).connection;
  };
  CHECK(connection({}, {}).url == "http://127.0.0.1:8642");
  CHECK(connection({}, {{"SIGNALBOX_URL", ""}}).url == "http://127.0.0.1:8642");
  CHECK(connection({}, {{"SIGNALBOX_URL", "http://e"}}).url == "http://e");
  CHECK(connection({"--url", "http://f"}, {{"SIGNALBOX_URL", "http://e"}}).url == "http://f");
  CHECK(connection({}, {{"SIGNALBOX_API_KEY", "k"}}).key == "k");
  CHECK(connection({"--key-file", "p"}, {}).key_file == "p");
}

TEST_CASE("arguments: chat-llm", "[cli][arguments]") {
  const auto options =
      std::get<ChatOptions>(parse({"chat-llm", "qwen", "-m", "hi there", "--system", "be brief",
                                   "--max-tokens", "5", "--priority", "Interactive"}));
  CHECK(options.target == ChatTarget::llm);
  CHECK(options.name == "qwen");
  CHECK(options.message == "hi there");
  CHECK(options.system == "be brief");
  CHECK(options.max_tokens == 5U);
  CHECK(options.priority == Priority::interactive);
  CHECK(options.stream);
  CHECK_FALSE(options.json);
  CHECK_FALSE(std::get<ChatOptions>(parse({"chat-llm", "q", "-m", "x", "--no-stream"})).stream);
  const auto json = std::get<ChatOptions>(parse({"chat-llm", "q", "-m", "x", "--json"}));
  CHECK(json.json);
  CHECK_FALSE(json.stream);
  CHECK(std::get<ChatOptions>(parse({"chat-llm", "q", "-m", "-"})).message == "-");
}

TEST_CASE("arguments: a conversation has no message", "[cli][arguments]") {
  CHECK_FALSE(std::get<ChatOptions>(parse({"chat-llm", "q"})).message);
  const auto agent = std::get<ChatOptions>(parse({"chat", "reviewer"}));
  CHECK(agent.target == ChatTarget::agent);
  CHECK(agent.name == "reviewer");
  CHECK(std::get<ChatOptions>(parse({"chat-llm", "q", "-m", ""})).message == "");
  CHECK_THAT(usage_error({"chat-llm", "q", "--json"}), Catch::Contains("-m TEXT"));
  CHECK_THAT(usage_error({"chat", "a", "--system", "s"}), Catch::Contains("--system"));
}

TEST_CASE("arguments: chat by way of the queue", "[cli][arguments]") {
  CHECK(std::get<ChatOptions>(parse({"chat-llm", "q", "-m", "x", "--async"})).async);
  CHECK(usage_error({"chat-llm", "q", "--async"}) == "--async needs a question: -m TEXT");
  CHECK_THAT(usage_error({"chat-llm", "q", "-m", "x", "--async", "--json"}),
             Catch::Contains("exclude each other"));
}

TEST_CASE("arguments: watch", "[cli][arguments]") {
  using namespace std::chrono_literals;
  const auto options = std::get<GetOptions>(parse({"get", "tasks", "-w"}));
  CHECK(options.watch);
  CHECK(options.interval == 1000ms);
  const auto slow = std::get<GetOptions>(parse({"get", "tasks", "--watch", "--interval", "2.5"}));
  CHECK(slow.interval == 2500ms);
  CHECK(usage_error({"get", "tasks", "--interval", "2"}) == "--interval is for --watch");
  CHECK_THAT(usage_error({"get", "tasks", "-w", "--interval", "0"}), Catch::Contains("--interval"));
}

TEST_CASE("arguments: describe", "[cli][arguments]") {
  const auto options = std::get<DescribeOptions>(parse({"describe", "worker", "s-1", "--full"}));
  CHECK(options.resource == find_resource("workers"));
  CHECK(options.name == "s-1");
  CHECK(options.full);
  CHECK_THAT(usage_error({"describe", "worker"}), Catch::Contains("NAME is required"));
  CHECK_THAT(usage_error({"describe", "train", "x"}), Catch::Contains("no resource \"train\""));
}

TEST_CASE("arguments: cancel", "[cli][arguments]") {
  const auto options = std::get<CancelOptions>(parse({"cancel", "task", "a", "b", "--url", "u"}));
  CHECK(options.ids == std::vector<std::string>{"a", "b"});
  CHECK(options.connection.url == "u");
  CHECK_THAT(usage_error({"cancel", "task"}), Catch::Contains("ID is required"));
  CHECK(usage_error({"cancel", "llm", "x"}) ==
        "only tasks can be cancelled, not llms (signalbox cancel task ID...)");
  CHECK_THAT(usage_error({"cancel", "x", "y"}), Catch::Contains("only tasks"));
  CHECK(usage_error({"cancel", "task", ""}) == "an ID is empty");
}

TEST_CASE("arguments: completion", "[cli][arguments]") {
  CHECK(std::get<CompletionOptions>(parse({"completion", "bash"})).shell == Shell::bash);
  CHECK(std::get<CompletionOptions>(parse({"completion", "zsh"})).shell == Shell::zsh);
  CHECK(std::get<CompletionOptions>(parse({"completion", "fish"})).shell == Shell::fish);
  CHECK_THAT(usage_error({"completion", "tcsh"}), Catch::Contains("tcsh"));
}

TEST_CASE("arguments: flags before the command, help as a word, and half a command",
          "[cli][arguments]") {
  const auto get = std::get<GetOptions>(parse({"--url", "http://box:1", "get", "tasks"}));
  CHECK(get.connection.url == "http://box:1");
  const auto slot = std::get<SlotRequest>(
      parse({"--url", "http://box:1", "slot", "--profile", "gpu", "--", "sleep", "1"}));
  CHECK(slot.command == std::vector<std::string>{"sleep", "1"});
  CHECK(printed({"help", "get"}) == printed({"get", "--help"}));
  CHECK(usage_error({"config"}) == "config needs a command behind it: check");
}

TEST_CASE("arguments: keys new", "[cli][arguments]") {
  const auto options = std::get<NewKeyOptions>(
      parse({"keys", "new", "--owner", "alice", "--id", "laptop", "--grant", "tasks:view",
             "--grant", "calls:view", "--max-priority", "workflow"}));
  CHECK(options.owner == "alice");
  CHECK(options.id == "laptop");
  CHECK(options.grants == std::vector<std::string>{"tasks:view", "calls:view"});
  CHECK(options.max_priority == Priority::workflow);
  CHECK_FALSE(options.default_priority);
  CHECK_THAT(usage_error({"keys", "new"}), Catch::Contains("--owner is required"));
  CHECK_THAT(usage_error({"keys"}), Catch::Contains("a command behind it: new"));
  CHECK_THAT(usage_error({"keys", "new", "--owner", "a b"}), Catch::Contains("is no name"));
  CHECK_THAT(usage_error({"keys", "new", "--owner", "a", "--id", "x\ty"}),
             Catch::Contains("is no name"));
  CHECK_THAT(usage_error({"keys", "new", "--owner", "a", "--grant", "task:view"}),
             Catch::Contains("did you mean tasks:view?"));
}

TEST_CASE("arguments: config check", "[cli][arguments]") {
  CHECK(std::get<ConfigCheckOptions>(parse({"config", "check", "my.yaml"})).file == "my.yaml");
  CHECK_FALSE(std::get<ConfigCheckOptions>(parse({"config", "check"})).file);
}

TEST_CASE("arguments: slips are usage errors with the near miss", "[cli][arguments]") {
  CHECK(usage_error({"gte", "tasks"}) ==
        "no command \"gte\"; did you mean get? (see: signalbox --help)");
  CHECK(usage_error({"xyzzy"}) == "no command \"xyzzy\" (see: signalbox --help)");
  CHECK(usage_error({"get", "taks"}) ==
        "no resource \"taks\"; there are tasks, workers, llms, agents, profiles, calls and pools; "
        "did you "
        "mean "
        "tasks?");
  CHECK(usage_error({"serve", "--prot", "1"}) == "unknown option \"--prot\"; did you mean --port?");
  CHECK(usage_error({"get", "llms", "a", "b"}) == "unexpected argument \"b\"");
  CHECK_THAT(usage_error({"--nonsense"}), Catch::Contains("unknown option \"--nonsense\""));
  CHECK_THAT(usage_error({"get"}), Catch::Contains("RESOURCE is required"));
  CHECK_THAT(usage_error({"config"}), Catch::Contains("a command behind it: check"));
  CHECK_THAT(usage_error({"get", "llms", "-o", "xml"}), Catch::Contains("xml"));
  CHECK_THAT(usage_error({"get", "tasks", "--limit", "0"}), Catch::Contains("--limit"));
  CHECK_THAT(usage_error({"get", "tasks", "--status", "done"}),
             Catch::Contains("no status \"done\""));
  CHECK_THAT(usage_error({"get", "llms", "--pool", "x"}), Catch::Contains("not for `get llms`"));
  CHECK_THAT(usage_error({"get", "tasks", "id", "--limit", "5"}),
             Catch::Contains("not for `get one of them`"));
  CHECK(usage_error({"get", "llms", "--json", "-o", "name"}) ==
        "--json and -o name exclude each other");
  CHECK_THAT(usage_error({"chat-llm", "q", "-m", "x", "--priority", "interactiv"}),
             Catch::Contains("did you mean interactive?"));
  CHECK_THAT(usage_error({"chat-llm", "q", "-m", "x", "--max-tokens", "-1"}),
             Catch::Contains("--max-tokens"));
}

}  // namespace signalbox::cli
