// Goal: upstreams, profiles, agents and keys are read whole, and each rule about them is kept.
// Method: literal YAML.
#include "config/load_lists.hpp"

#include <catch2/catch.hpp>

#include "tests/config/support.hpp"

namespace signalbox::config {
namespace {

const std::string hash(64, 'a');

std::string name_message(const std::string& name) {
  return "must be 1-128 of A-Z a-z 0-9 . _ : / @ + -, not \"" + name + "\"";
}

}  // namespace

TEST_CASE("load: upstreams", "[config][load]") {
  const LoadResult result = load(R"(
upstreams:
  - {name: lmstudio, type: lmstudio, url: "http://127.0.0.1:1234", discover: true, capacity: 4}
  - name: qwen
    url: https://gpu.lan/v1
    models: [qwen3-8b, qwen/qwen3:4b]
    pool: chat
    tier: large
    api_key_env: QWEN_KEY
)",
                                 "f.yaml");
  CHECK(result.violations.empty());
  REQUIRE(result.settings.upstreams);
  REQUIRE(result.settings.upstreams->size() == 2);
  UpstreamSettings first;
  first.name = "lmstudio";
  first.type = UpstreamType::lmstudio;
  first.url = "http://127.0.0.1:1234";
  first.discover = true;
  first.capacity = 4;
  UpstreamSettings second;
  second.name = "qwen";
  second.url = "https://gpu.lan/v1";
  second.models = {"qwen3-8b", "qwen/qwen3:4b"};
  second.pool = "chat";
  second.tier = "large";
  second.api_key_env = "QWEN_KEY";
  CHECK((*result.settings.upstreams)[0] == first);
  CHECK((*result.settings.upstreams)[1] == second);
}

TEST_CASE("load: an empty list of upstreams is not the same as none", "[config][load]") {
  CHECK(load("upstreams: []", "f").settings.upstreams == std::vector<UpstreamSettings>{});
  CHECK_FALSE(load("upstreams:", "f").settings.upstreams.has_value());
}

TEST_CASE("load: upstreams with something missing or too much", "[config][load]") {
  CHECK(problems("upstreams:\n  - url: http://h\n    discover: true\n") ==
        Lines{"f.yaml:2:5: upstreams[0].name: must be given"});
  CHECK(problems("upstreams:\n  - {name: a, discover: true}\n") ==
        Lines{"f.yaml:2:5: upstreams[0].url: must be given"});
  const std::string models = "must have models, or discover: true to ask the server for them";
  CHECK(problems("upstreams:\n  - {name: a, url: http://h}\n") ==
        Lines{"f.yaml:2:5: upstreams[0]: " + models});
  CHECK(problems("upstreams: [{name: a, url: http://h, models: []}]") ==
        Lines{"f.yaml:1:13: upstreams[0]: " + models});
  CHECK(problems("upstreams: [{name: a, url: http://h, models: 7}]") ==
        Lines{"f.yaml:1:46: upstreams[0].models: must be a list of texts, not \"7\""});
  CHECK(problems("upstreams: [{name: a b, url: http://h, discover: true}]") ==
        Lines{"f.yaml:1:20: upstreams[0].name: " + name_message("a b")});
  CHECK(
      problems("upstreams: [{name: " + std::string(128, 'x') + ", url: http://h, discover: true}]")
          .empty());
  CHECK(
      problems("upstreams: [{name: " + std::string(129, 'x') + ", url: http://h, discover: true}]")
          .size() == 1);
  CHECK(problems("upstreams: [{name: a, url: http://h, models: [x, x]}]") ==
        Lines{"f.yaml:1:50: upstreams[0].models[1]: \"x\" is in the list twice"});
  CHECK(problems("upstreams: [{name: a, url: http://h, models: [m], capacity: 0}]") ==
        Lines{"f.yaml:1:61: upstreams[0].capacity: must be a whole number from 1 to 10000, not "
              "\"0\""});
  CHECK(problems("upstreams: [{name: a, url: http://h, models: [m], api_key_env: 'sk-1'}]") ==
        Lines{"f.yaml:1:64: upstreams[0].api_key_env: must be the name of an environment "
              "variable, not \"sk-1\""});
  CHECK(problems("upstreams: [{name: a, type: lm-studio, url: http://h, models: [m]}]") ==
        Lines{"f.yaml:1:29: upstreams[0].type: must be openai, lmstudio, llamacpp, ollama or "
              "vllm, not \"lm-studio\"; did you mean lmstudio?"});
  CHECK(problems("upstreams: [{name: a, url: http://h, model: m, discover: true}]") ==
        Lines{"f.yaml:1:38: upstreams[0].model: unknown key; did you mean models?"});
}

TEST_CASE("load: an upstream's name is used once", "[config][load]") {
  CHECK(problems("upstreams:\n"
                 "  - {name: a, url: http://h, discover: true}\n"
                 "  - {name: b, url: http://h, discover: true}\n"
                 "  - {name: a, url: http://h, discover: true}\n") ==
        Lines{"f.yaml:4:12: upstreams[2].name: \"a\" is used twice, first in line 2"});
}

TEST_CASE("load: urls of upstreams", "[config][load]") {
  const auto problem = [](const std::string& url) {
    const auto lines = problems("upstreams:\n- {name: a, discover: true, url: \"" + url + "\"}\n");
    return lines.empty() ? "" : lines.at(0);
  };
  for (const char* url : {"http://127.0.0.1:1234", "https://gpu.lan", "http://h/v1", "http://h:1/",
                          "http://[::1]:8080/v1", "http://[::1]"}) {
    CAPTURE(url);
    CHECK(problem(url).empty());
  }
  const std::string start = "f.yaml:2:34: upstreams[0].url: must ";
  CHECK(problem("127.0.0.1:1234") == start + "start with http:// or https://: \"127.0.0.1:1234\"");
  CHECK(problem("ftp://h") == start + "start with http:// or https://: \"ftp://h\"");
  CHECK(problem("http://u:p@h") ==
        start + "not carry a user or password; use api_key_env: \"http://u:p@h\"");
  CHECK(problem("http://h?x") == start + "not have a query: \"http://h?x\"");
  CHECK(problem("http://h/#x") == start + "not have a fragment: \"http://h/#x\"");
  CHECK(problem("http://") == start + "name a host: \"http://\"");
  CHECK(problem("http:///v1") == start + "name a host: \"http:///v1\"");
  CHECK(problem("http://h:0") == start + "have a port from 1 to 65535: \"http://h:0\"");
  CHECK(problem("http://h:99999") == start + "have a port from 1 to 65535: \"http://h:99999\"");
  CHECK(problem("http://h:") == start + "have a port from 1 to 65535: \"http://h:\"");
  CHECK(problem("http://a b") == start + "not have blanks or control characters: \"http://a b\"");
  CHECK_FALSE(problem("http://[::1").empty());
  CHECK_FALSE(problem("http://[nope]").empty());
  CHECK_FALSE(problem("http://[::1]x").empty());
  CHECK_FALSE(problem("http://::1").empty());
  CHECK_FALSE(problem("http://h\\r\\nX: y").empty());
}

TEST_CASE("load: profiles", "[config][load]") {
  const LoadResult result = load(R"(
inference:
  profiles:
    "lmstudio:nomic-v1.5": {max_concurrent: 1, max_queued: 16, default_queue_wait_s: 0.5,
                            default_inference_s: 60, policy: strict, commit: relaxed}
    paused: {max_concurrent: 0}
    plain:
)",
                                 "f.yaml");
  CHECK(result.violations.empty());
  REQUIRE(result.settings.profiles.size() == 3);
  CHECK(result.settings.profiles.at("lmstudio:nomic-v1.5") ==
        ProfileSettings{1U, 16, 0.5, 60, "strict", CommitMode::relaxed});
  CHECK(result.settings.profiles.at("paused").max_concurrent == 0U);
  CHECK(result.settings.profiles.at("plain") == ProfileSettings{});
}

TEST_CASE("load: unset values of a profile can be written as nothing", "[config][load]") {
  const LoadResult result =
      load("inference: {profiles: {a: {max_concurrent: ~, commit: }}}", "f.yaml");
  CHECK(result.violations.empty());
  CHECK(result.settings.profiles.at("a") == ProfileSettings{});
}

TEST_CASE("load: a profile's policy and its options", "[config][load]") {
  const LoadResult result = load(R"(
inference:
  profiles:
    a: {policy: aging, aging: {interactive: 9, background: 2}}
    b: {policy: sjf, sjf: {max_bypass_s: 0.5}, swap: {max_bypass_s: 0, hold_s: 1.5, min_batch: 8}}
    c: {max_concurrent: 3, reserve_interactive: 2, background_trickle: 10}
    d: {policy: fair, aging: , sjf: ~}
    e: {preempt: background, preempt_budget: 7}
    f: {preempt: none}
)",
                                 "f.yaml");
  CHECK(result.violations.empty());
  const auto& profiles = result.settings.profiles;
  REQUIRE(profiles.size() == 6);
  CHECK(profiles.at("e").preempt == Preempt::background);
  CHECK(profiles.at("e").preempt_budget == 7);
  CHECK(profiles.at("f") == ProfileSettings{});
  CHECK(profiles.at("a").policy == "aging");
  CHECK(profiles.at("a").policy_options == PolicyOptions{.aging_weights = {9, 2, 2}});
  CHECK(profiles.at("b").policy_options == PolicyOptions{.sjf_max_bypass_s = 0.5,
                                                         .swap_max_bypass_s = 0,
                                                         .swap_hold_s = 1.5,
                                                         .swap_min_batch = 8});
  CHECK(profiles.at("c").policy_options ==
        PolicyOptions{.reserve_interactive = 2, .background_trickle = 10});
  CHECK(profiles.at("d").policy_options == PolicyOptions{});
}

TEST_CASE("load: profiles with bad values", "[config][load]") {
  const auto problem = [](const std::string& setting) {
    const auto lines = problems("inference:\n  profiles:\n    \"a:b\":\n      " + setting + "\n");
    REQUIRE(lines.size() == 1);
    return lines[0];
  };
  CHECK(problem("max_concurrent: 10001") ==
        "f.yaml:4:23: inference.profiles[\"a:b\"].max_concurrent: must be a whole number from 0 "
        "to 10000, not \"10001\"");
  CHECK(problem("max_queued: 100001") ==
        "f.yaml:4:19: inference.profiles[\"a:b\"].max_queued: must be a whole number from 0 to "
        "100000, not \"100001\"");
  CHECK(problem("default_queue_wait_s: 0") ==
        "f.yaml:4:29: inference.profiles[\"a:b\"].default_queue_wait_s: must be from 0.001 to "
        "86400 seconds, not \"0\"");
  for (const char* value : {"86400.1", "-1", ".inf", "nan", "inf", "1s", "\"5\"", "1e999"}) {
    CAPTURE(value);
    CHECK_THAT(problem(std::string{"default_inference_s: "} + value),
               Catch::Contains("default_inference_s: must be from 0.001 to 86400 seconds"));
  }
  CHECK(problem("policy: random") ==
        "f.yaml:4:15: inference.profiles[\"a:b\"].policy: policy must be one of strict, aging, "
        "fair, sjf, swap");
  CHECK(problem("aging: {workflow: 0}") ==
        "f.yaml:4:25: inference.profiles[\"a:b\"].aging.workflow: must be a whole number from 1 to "
        "1000, not \"0\"");
  CHECK_THAT(problem("aging: 3"), Catch::Contains("aging: must be a map"));
  CHECK_THAT(problem("aging: {interactiv: 3}"), Catch::Contains("interactiv"));
  CHECK_THAT(problem("sjf: {max_bypass_s: -1}"),
             Catch::Contains("sjf.max_bypass_s: must be from 0 to 86400 seconds"));
  CHECK_THAT(problem("swap: {max_bypass_s: 86401}"), Catch::Contains("swap.max_bypass_s: must be"));
  CHECK_THAT(problem("swap: {hold_s: 3601}"),
             Catch::Contains("swap.hold_s: must be from 0 to 3600"));
  CHECK_THAT(problem("swap: {min_batch: 1}"), Catch::Contains("from 2 to 10000"));
  CHECK_THAT(problem("sjf: {hold_s: 1}"), Catch::Contains("hold_s"));
  CHECK_THAT(problem("background_trickle: 10001"), Catch::Contains("from 0 to 10000"));
  CHECK(problem("{max_concurrent: 2, reserve_interactive: 2}") ==
        "f.yaml:4:48: inference.profiles[\"a:b\"].reserve_interactive: reserve_interactive must be "
        "less than max_concurrent");
  CHECK_THAT(problem("preempt: all"), Catch::Contains("must be none or background"));
  CHECK_THAT(problem("preempt_budget: 1001"), Catch::Contains("from 0 to 1000"));
  CHECK_THAT(problem("commit: async"), Catch::Contains("must be sync or relaxed"));
  CHECK_THAT(problem("commit: []"), Catch::Contains("must be sync or relaxed, not a list"));
  CHECK(problems("inference: {profiles: {'a b': {}}}") ==
        Lines{"f.yaml:1:24: inference.profiles[\"a b\"]: profile name " + name_message("a b")});
}

TEST_CASE("load: pools", "[config][load]") {
  const LoadResult result = load(R"(
inference:
  default_choice: round_robin
  pools:
    chat: {choice: affinity}
    "embeddings:nomic":
      choice: first_match
)",
                                 "f.yaml");
  CHECK(result.violations.empty());
  CHECK(result.settings.default_choice == ChoiceKind::round_robin);
  CHECK(result.settings.pools ==
        std::map<std::string, ChoiceKind>{{"chat", ChoiceKind::affinity},
                                          {"embeddings:nomic", ChoiceKind::first_match}});
  CHECK(load("inference: {pools: }", "f").settings.pools.empty());
  CHECK(load("", "f").settings.default_choice == ChoiceKind::least_loaded);
}

TEST_CASE("load: pools with slips", "[config][load]") {
  CHECK(problems("inference: {pools: {p: {}}}").size() == 1);
  CHECK(problems("inference: {pools: {p: {choice: affinity, weight: 2}}}").size() == 1);
  CHECK(problems("inference: {pools: {a b: {choice: affinity}}}").size() == 1);
  CHECK(problems("inference: {pools: [p]}").size() == 1);
  const auto wrong = problems("inference:\n  pools:\n    p: {choice: afinity}\n");
  REQUIRE(wrong.size() == 1);
  CHECK(wrong[0].find("f.yaml:3:17: inference.pools.p.choice: ") == 0);
  CHECK(wrong[0].find("affinity") != std::string::npos);
  CHECK(problems("inference: {default_choice: best}").size() == 1);
}

TEST_CASE("load: agents", "[config][load]") {
  const LoadResult result = load(R"(
agents:
  - {name: reviewer, pool: chat, description: d, system_prompt: "You review code.",
     defaults: {temperature: 0.2, stop: ["\n", 7], n: 1, x: {y: null, z: true}, s: "1"}, priority: workflow}
  - name: other
    llm: qwen
)",
                                 "f.yaml");
  CHECK(result.violations.empty());
  REQUIRE(result.settings.agents.size() == 2);
  Agent expected;
  expected.name = "reviewer";
  expected.pool = "chat";
  expected.description = "d";
  expected.system_prompt = "You review code.";
  expected.defaults =
      R"({"temperature":0.2,"stop":["\u000a",7],"n":1,"x":{"y":null,"z":true},"s":"1"})";
  expected.priority = Priority::workflow;
  CHECK(result.settings.agents[0] == expected);
  CHECK(result.settings.agents[1].defaults == "{}");
}

TEST_CASE("load: YAML numbers in an agent's defaults become JSON's", "[config][load]") {
  const auto defaults = [](const std::string& value) {
    const LoadResult result =
        load("agents: [{name: a, llm: b, defaults: {x: " + value + "}}]", "f.yaml");
    return result.violations.empty() ? result.settings.agents.at(0).defaults
                                     : to_string(result.violations.at(0));
  };
  const std::vector<std::pair<std::string, std::string>> cases{{"+5", "5"},
                                                               {"007", "7"},
                                                               {"-0.50", "-0.50"},
                                                               {".5", "0.5"},
                                                               {"5.", "5"},
                                                               {"1e3", "1e3"},
                                                               {"1E+03", "1e03"},
                                                               {"0x1F", "31"},
                                                               {"0o17", "15"},
                                                               {"-", "\"-\""},
                                                               {"1e", "\"1e\""},
                                                               {"1.2.3", "\"1.2.3\""},
                                                               {"0x", "\"0x\""},
                                                               {"0", "0"},
                                                               {"-0", "-0"},
                                                               {"1-2", "\"1-2\""},
                                                               {"True", "true"},
                                                               {"~", "null"},
                                                               {"\"a\\\"\\\\\"", R"("a\"\\")"},
                                                               {"ü", "\"ü\""},
                                                               {".", "\".\""},
                                                               {"00", "0"},
                                                               {"'5'", "\"5\""}};
  for (const auto& [yaml, json] : cases) {
    CAPTURE(yaml);
    CHECK(defaults(yaml) == "{\"x\":" + json + "}");
  }
  for (const char* value : {".inf", "-.inf", ".nan", "1e999"}) {
    CHECK(defaults(value) == "f.yaml:1:42: agents[0].defaults.x: JSON has no such number as \"" +
                                 std::string{value} + "\"");
  }
}

TEST_CASE("load: agents with something missing or too much", "[config][load]") {
  CHECK(problems("agents:\n  - {name: a}\n") ==
        Lines{"f.yaml:2:5: agents[0]: must have llm or pool"});
  CHECK(problems("agents:\n  - {name: a, llm: b, pool: c}\n") ==
        Lines{"f.yaml:2:5: agents[0]: must have either llm or pool, not both"});
  CHECK(problems("agents:\n  - {llm: b}\n") == Lines{"f.yaml:2:5: agents[0].name: must be given"});
  CHECK(problems("agents:\n- {name: a, llm: b}\n- {name: a, llm: c}\n") ==
        Lines{"f.yaml:3:10: agents[1].name: \"a\" is used twice, first in line 2"});
  CHECK(problems("agents: [{name: a, llm: b, defaults: [1]}]") ==
        Lines{"f.yaml:1:38: agents[0].defaults: must be a map of request fields, not a list"});
  CHECK(problems("agents: [{name: a, llm: b, priority: urgent}]") ==
        Lines{"f.yaml:1:38: agents[0].priority: must be interactive, workflow or background, not "
              "\"urgent\""});
}

TEST_CASE("load: auth", "[config][load]") {
  const LoadResult result = load("auth: {mode: keys, keys: [{id: laptop, owner: alice, sha256: \"" +
                                     std::string(64, 'A') +
                                     "\", grants: [tasks:create, admin:edit], default_priority: "
                                     "background, max_priority: workflow}]}",
                                 "f.yaml");
  CHECK(result.violations.empty());
  CHECK(result.settings.auth.mode == AuthMode::keys);
  REQUIRE(result.settings.auth.keys.size() == 1);
  CHECK(result.settings.auth.keys[0] == KeySettings{"laptop",
                                                    "alice",
                                                    hash,
                                                    {"tasks:create", "admin:edit"},
                                                    Priority::background,
                                                    Priority::workflow});
}

TEST_CASE("load: auth with slips", "[config][load]") {
  const std::string start = "auth:\n  mode: keys\n  keys:\n  - {id: a, owner: o, sha256: ";
  CHECK(problems(start + "abc}\n") ==
        Lines{"f.yaml:4:31: auth.keys[0].sha256: must be 64 hex digits: the SHA-256 of the whole "
              "key"});
  CHECK(problems(start + std::string(63, 'a') + "g}\n").size() == 1);
  CHECK(problems("auth: {mode: keys, keys: [{}]}") ==
        Lines{"f.yaml:1:27: auth.keys[0].id: must be given",
              "f.yaml:1:27: auth.keys[0].owner: must be given",
              "f.yaml:1:27: auth.keys[0].sha256: must be given"});
  CHECK(problems(start + hash + "}\n  - {id: a, owner: p, sha256: " + hash + "}\n") ==
        Lines{"f.yaml:5:10: auth.keys[1].id: \"a\" is used twice, first in line 4",
              "f.yaml:5:31: auth.keys[1].sha256: \"" + hash + "\" is used twice, first in line 4"});
  CHECK(problems("auth: {mode: key}") ==
        Lines{"f.yaml:1:14: auth.mode: must be none or keys, not \"key\"; did you mean keys?"});
  CHECK(problems("auth:\n  keys: [{id: a, owner: o, sha256: " + hash + "}]\n") ==
        Lines{"f.yaml:2:3: auth.mode: must be given with keys: \"keys\" asks every caller for "
              "one"});
}

TEST_CASE("load: grants", "[config][load]") {
  const auto problem = [](const std::string& grant) {
    const auto lines =
        problems("auth:\n  mode: none\n  keys:\n  - id: a\n    owner: o\n    sha256: " + hash +
                 "\n    grants: [\"" + grant + "\"]\n");
    return lines.empty() ? "" : lines.at(0);
  };
  for (const char* resource :
       {"tasks", "llms", "agents", "workers", "profiles", "slots", "calls", "admin"}) {
    for (const char* action : {"view", "create", "edit", "delete"}) {
      CHECK(problem(std::string{resource} + ":" + action).empty());
    }
  }
  CHECK(problem("task:view") ==
        "f.yaml:7:14: auth.keys[0].grants[0]: unknown grant \"task:view\"; did you mean "
        "tasks:view?");
  CHECK_THAT(problem("*"), Catch::Contains("unknown grant \"*\"; a grant is tasks|llms|"));
  CHECK_FALSE(problem("tasks:*").empty());
  CHECK_FALSE(problem("tasks").empty());
}

}  // namespace signalbox::config
