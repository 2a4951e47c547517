#include "core/backends/routing_news.hpp"

#include <map>
#include <string_view>

namespace signalbox {
namespace {

/// What callers notice: a worker whose channel is closed is not there, whatever it said last.
LlmStatus seen_status(const Llm& llm) {
  return llm.is_open ? llm.status : LlmStatus::inactive;
}

std::string described(const Llm& llm) {
  std::string text = "LLM " + llm.name + " (" + std::string{to_string(llm.kind)};
  if (!llm.url.empty()) text += " at " + llm.url;
  if (!llm.pool.empty()) text += ", pool " + llm.pool;
  return text + ")";
}

}  // namespace

std::vector<std::string> routing_news(const RoutingTable& before, const RoutingTable& after) {
  std::map<std::string_view, const Llm*> left;
  for (const Llm& llm : before.llms) left.emplace(llm.name, &llm);
  std::vector<std::string> news;
  for (const Llm& llm : after.llms) {
    const auto known = left.find(llm.name);
    const LlmStatus status = seen_status(llm);
    const bool is_news = known == left.end() || seen_status(*known->second) != status;
    if (is_news) news.push_back(described(llm) + " is " + std::string{to_string(status)});
    if (known != left.end()) left.erase(known);
  }
  for (const auto& [name, llm] : left) news.push_back(described(*llm) + " has gone");
  return news;
}

}  // namespace signalbox
