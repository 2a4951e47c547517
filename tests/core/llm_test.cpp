// Goal: where a name leads, and which profile a call belongs to (mission A7, http-api 8.15, 8.16).
// Method: one table with every kind of clash; the profile names spelt out.
#include "core/backends/llm.hpp"

#include <catch2/catch.hpp>

namespace signalbox::test {
namespace {

Llm llm_of(std::string name, std::string model, std::string pool = {},
           LlmStatus status = LlmStatus::active) {
  Llm llm;
  llm.name = std::move(name);
  llm.model = std::move(model);
  llm.pool = std::move(pool);
  llm.status = status;
  llm.type = "openai";
  llm.tier = "tier of " + llm.name;
  return llm;
}

}  // namespace

TEST_CASE("llm: a name means an LLM, else a pool, else a model id", "[core][llm]") {
  RoutingTable table;
  table.llms = {llm_of("one", "same", "p1"), llm_of("two", "p2", "same"), llm_of("p1", "x"),
                llm_of("same", "y"), llm_of("three", "z", "p2")};
  // An LLM's name wins over a pool's and a model's, though others stand earlier.
  auto route = resolve(table, "same");
  REQUIRE(route.has_value());
  CHECK(route->llm == "same");
  CHECK(route->pool == "same");
  CHECK(route->model == "y");
  // A pool's wins over a model's.
  route = resolve(table, "p2");
  REQUIRE(route.has_value());
  CHECK(route->llm.empty());
  CHECK(route->pool == "p2");
  CHECK(route->model == "z");
  CHECK(route->tier == "tier of three");
  // A model id leads to the LLM that serves it, and through it to its pool.
  route = resolve(table, "z");
  REQUIRE(route.has_value());
  CHECK(route->llm == "three");
  CHECK(route->pool == "p2");
}

TEST_CASE("llm: what nobody is named is model_not_found, or llm_not_found where an LLM is meant",
          "[core][llm]") {
  RoutingTable table;
  table.llms = {llm_of("a", "m", "p")};
  for (const auto* name : {"b", "A", "a ", "mm"}) {
    const auto route = resolve(table, name);
    REQUIRE(route.has_error());
    CHECK(route.error().code == ErrorCode::model_not_found);
    CHECK(route.error().param == "model");
  }
  CHECK(resolve(RoutingTable{}, "a").error().code == ErrorCode::model_not_found);
  CHECK(resolve_llm(table, "a").has_value());
  for (const auto* name : {"p", "m", ""}) {
    REQUIRE(resolve_llm(table, name).has_error());
    CHECK(resolve_llm(table, name).error().code == ErrorCode::llm_not_found);
  }
}

TEST_CASE("llm: the empty name is nobody's, though LLMs without pool or model have it there",
          "[core][llm]") {
  RoutingTable table;
  table.llms = {llm_of("a", "m"), llm_of("b", "", "p")};
  CHECK(resolve(table, "").has_error());
}

TEST_CASE("llm: among siblings and servers of one model, one that is present goes first",
          "[core][llm]") {
  RoutingTable table;
  table.llms = {llm_of("a", "m", "p", LlmStatus::inactive), llm_of("b", "m", "p"),
                llm_of("c", "m", "p", LlmStatus::hibernating)};
  CHECK(resolve(table, "m")->llm == "b");
  CHECK(resolve(table, "p")->tier == "tier of b");
  table.llms[1].status = LlmStatus::inactive;
  // One that can be woken is present.
  CHECK(resolve(table, "m")->llm == "c");
  CHECK(resolve(table, "m")->is_present);
  table.llms[2].status = LlmStatus::inactive;
  CHECK(resolve(table, "m")->llm == "a");
  CHECK_FALSE(resolve(table, "m")->is_present);
  CHECK_FALSE(resolve(table, "p")->is_present);
}

TEST_CASE("llm: a route is present when any sibling of the pool is", "[core][llm]") {
  RoutingTable table;
  table.llms = {llm_of("a", "m", "p", LlmStatus::inactive), llm_of("b", "n", "p"),
                llm_of("c", "o", "", LlmStatus::inactive)};
  CHECK(resolve(table, "a")->is_present);
  CHECK(resolve_llm(table, "a")->is_present);
  CHECK_FALSE(resolve(table, "c")->is_present);
}

TEST_CASE("llm: profile names are those of A7", "[core][llm]") {
  RoutingTable table;
  table.llms = {llm_of("a", "m"), llm_of("b", "n", "p")};
  const Route alone = *resolve(table, "a");
  Route pooled = *resolve(table, "b");
  CHECK(derive_profile(alone, TaskKind::chat) == "openai_compat:m");
  CHECK(derive_profile(alone, TaskKind::completion) == "openai_compat:m");
  CHECK(derive_profile(alone, TaskKind::embedding) == "embeddings:m");
  CHECK(derive_profile(pooled, TaskKind::chat) == "openai_compat:p");
  CHECK(derive_profile(pooled, TaskKind::embedding) == "embeddings:p");
  pooled.type = "lmstudio";
  CHECK(derive_profile(pooled, TaskKind::chat) == "openai_compat:p");
  CHECK(derive_profile(pooled, TaskKind::completion) == "openai_compat:p");
  CHECK(derive_profile(pooled, TaskKind::embedding) == "lmstudio:p");
  CHECK(derive_profile(pooled, TaskKind::native_chat) == "lmstudio_native:p");
}

TEST_CASE("llm: valid names are 1 to 128 of the allowed letters", "[core][llm]") {
  const std::string allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+-";
  for (int number = 0; number < 256; ++number) {
    const char letter = static_cast<char>(number);
    INFO(number);
    CHECK(is_valid_name(std::string(1, letter)) == (allowed.find(letter) != std::string::npos));
    CHECK(is_valid_name("a" + std::string(1, letter)) ==
          (allowed.find(letter) != std::string::npos));
  }
  CHECK_FALSE(is_valid_name(""));
  CHECK(is_valid_name(std::string(128, 'a')));
  CHECK_FALSE(is_valid_name(std::string(129, 'a')));
}

TEST_CASE("llm: kinds and statuses have their words", "[core][llm]") {
  CHECK(to_string(LlmKind::upstream) == "upstream");
  CHECK(to_string(LlmKind::worker) == "worker");
  CHECK(to_string(LlmKind::plugin) == "plugin");
  CHECK(to_string(LlmStatus::active) == "active");
  CHECK(to_string(LlmStatus::inactive) == "inactive");
  CHECK(to_string(LlmStatus::hibernating) == "hibernating");
}

}  // namespace signalbox::test
