#include "core/backends/routing_news.hpp"

#include <catch2/catch.hpp>

namespace signalbox {
namespace {

Llm server(std::string name, LlmStatus status) {
  Llm llm;
  llm.name = std::move(name);
  llm.status = status;
  llm.url = "http://127.0.0.1:1234";
  return llm;
}

using Lines = std::vector<std::string>;

TEST_CASE("routing_news: what comes, goes and stays", "[routing_news]") {
  const RoutingTable first{
      {server("desk", LlmStatus::active), server("attic", LlmStatus::inactive)}};
  CHECK(routing_news({}, first) ==
        Lines{"LLM desk (upstream at http://127.0.0.1:1234) is active",
              "LLM attic (upstream at http://127.0.0.1:1234) is inactive"});
  CHECK(routing_news(first, first).empty());

  RoutingTable second = first;
  second.llms[1].status = LlmStatus::active;
  second.llms[1].pool = "chat";
  CHECK(routing_news(first, second) ==
        Lines{"LLM attic (upstream at http://127.0.0.1:1234, pool chat) is active"});

  const RoutingTable third{{second.llms[1]}};
  CHECK(routing_news(second, third) ==
        Lines{"LLM desk (upstream at http://127.0.0.1:1234) has gone"});
}

TEST_CASE("routing_news: a worker whose channel is closed is not there", "[routing_news]") {
  Llm worker = server("laptop", LlmStatus::active);
  worker.kind = LlmKind::worker;
  worker.url.clear();
  const RoutingTable bound{{worker}};
  worker.is_open = false;
  const RoutingTable cut{{worker}};
  CHECK(routing_news(bound, cut) == Lines{"LLM laptop (worker) is inactive"});
  // What it said last changes nothing for callers.
  worker.status = LlmStatus::inactive;
  CHECK(routing_news(cut, RoutingTable{{worker}}).empty());
}

}  // namespace
}  // namespace signalbox
