#include "config/load.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "config/load_lists.hpp"
#include "config/section_reader.hpp"

namespace signalbox::config {
namespace {

void read_http(SectionReader section, HttpSettings& http) {
  section.read_text("bind", http.bind, check_host);
  section.read_whole("port", http.port, {0, 65'535});
  section.read_whole("max_body_bytes", http.max_body_bytes, {1024, 268'435'456});
  section.read_whole("max_unfinished_body_bytes", http.max_unfinished_body_bytes,
                     {1'048'576, 68'719'476'736});
  section.read_whole("max_requests", http.max_requests, {16, 32'768});
  section.read_texts("allowed_hosts", http.allowed_hosts, check_host);
  section.finish();
}

void read_store(SectionReader section, StoreSettings& store) {
  section.read_text("path", store.path, check_not_empty);
  section.read_whole("map_size_gb", store.map_size_gb, {1, 4096});
  section.read_word("commit", store.commit, commit_mode_words(), parse_commit_mode);
  section.finish();
}

void read_echo(SectionReader section, EchoSettings& echo) {
  section.read_flag("enabled", echo.enabled);
  section.read_whole("capacity", echo.capacity, {1, 10'000});
  section.read_whole("tokens", echo.tokens, {1, 100'000});
  section.read_whole("token_delay_ms", echo.token_delay_ms, {0, 60'000});
  section.finish();
}

void read_workers(SectionReader section, WorkerSettings& workers) {
  section.read_whole("heartbeat_interval_s", workers.heartbeat_interval_s, {1, 3600});
  section.read_whole("heartbeat_timeout_s", workers.heartbeat_timeout_s, {2, 86'400});
  section.read_whole("inactive_retention_s", workers.inactive_retention_s, {1, 31'536'000});
  section.read_whole("wake_timeout_s", workers.wake_timeout_s, {1, 3600});
  section.read_texts("allow_hosts", workers.allow_hosts, check_host);
  section.finish();
}

void read_tasks(SectionReader section, TaskSettings& tasks) {
  section.read_whole("max_attempts", tasks.max_attempts, {1, 100});
  section.read_whole("await_timeout_s", tasks.await_timeout_s, {1, 86'400});
  section.read_whole("max_backlog", tasks.max_backlog, {1, 100'000'000});
  section.finish();
}

void read_all(SectionReader root, Settings& settings) {
  read_http(open_section(root, "http"), settings.http);
  read_store(open_section(root, "store"), settings.store);
  read_upstreams(root, settings.upstreams);
  read_echo(open_section(root, "echo"), settings.echo);
  SectionReader inference = open_section(root, "inference");
  read_profiles(open_section(inference, "profiles"), settings.profiles);
  inference.read_word("default_choice", settings.default_choice, choice_words(), parse_choice);
  read_pools(open_section(inference, "pools"), settings.pools);
  inference.finish();
  read_agents(root, settings.agents);
  read_auth(open_section(root, "auth"), settings.auth);
  read_gc(open_section(root, "gc"), settings.gc);
  read_workers(open_section(root, "workers"), settings.workers);
  read_tasks(open_section(root, "tasks"), settings.tasks);
  read_plugins(root, settings.plugins);
  root.finish();
}

}  // namespace

LoadResult load(const std::string& yaml_text, const std::string& file_name) {
  YamlDocument document = parse_yaml(yaml_text, file_name);
  LoadContext context{file_name, std::move(document.violations), {}};
  LoadResult result;
  if (document.root != nullptr) {
    read_all(SectionReader{context, document.root, ""}, result.settings);
  }
  result.violations = std::move(context.violations);
  result.places = std::move(context.places);
  std::stable_sort(result.violations.begin(), result.violations.end(),
                   [](const Violation& left, const Violation& right) {
                     return std::tie(left.line, left.column) < std::tie(right.line, right.column);
                   });
  return result;
}

}  // namespace signalbox::config
