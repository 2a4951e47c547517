#include "cli/show/fetch.hpp"

#include <algorithm>

#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

Outcome<std::string> fetch(const ApiClient& client, const std::string& path) {
  ApiCall call;
  call.path = path;
  const auto answer = client.call(call);
  if (answer.has_error()) return answer.error();
  if (http::check_json(answer->body).has_error()) return not_understood();
  return answer->body;
}

std::string query_of(const GetOptions& options, std::size_t limit, const std::string& cursor) {
  std::string query = "?limit=" + std::to_string(limit);
  for (const auto& [name, value] : options.filters) {
    query += "&" + name + "=" + percent_encode(value);
  }
  if (!cursor.empty()) query += "&cursor=" + percent_encode(cursor);
  return query;
}

Outcome<Fetched> fetch_list(const ApiClient& client, const GetOptions& options) {
  const Resource& resource = *options.resource;
  Fetched fetched;
  std::string cursor;
  do {
    const std::size_t wanted =
        std::min<std::size_t>(options.limit - fetched.rows.size(), resource.page_rows_max);
    auto body = fetch(
        client, resource.path + (resource.has_pages() ? query_of(options, wanted, cursor) : ""));
    if (body.has_error()) return body.error();
    const std::string_view list = http::value_of(*body, resource.list_member);
    if (!list.starts_with('[')) return not_understood();
    const auto rows = http::elements_of(list);
    fetched.rows.insert(fetched.rows.end(), rows.begin(), rows.end());
    const std::string_view next = http::value_of(*body, "next_cursor");
    fetched.next_cursor = next.empty() || rows.empty() ? "null" : std::string{next};
    cursor = http::unquote(next).value_or("");
    fetched.body = std::move(*body);
  } while (resource.has_pages() && !cursor.empty() && fetched.next_cursor != "null" &&
           fetched.rows.size() < options.limit);
  return fetched;
}

/// Looks through the pages of a resource whose rows have no address of their own.
Outcome<std::string> find_row(const ApiClient& client, const Resource& resource,
                              const std::string& name) {
  GetOptions options;
  options.resource = &resource;
  std::string cursor;
  do {
    auto body = fetch(client, resource.path + query_of(options, resource.page_rows_max, cursor));
    if (body.has_error()) return body.error();
    for (const std::string_view row :
         http::elements_of(http::value_of(*body, resource.list_member))) {
      if (http::unquote(http::value_of(row, resource.name_member)) == name) return std::string{row};
    }
    std::string next = http::unquote(http::value_of(*body, "next_cursor")).value_or("");
    cursor = next == cursor ? "" : std::move(next);
  } while (!cursor.empty());
  return Failure{ExitCode::failure, "the daemon knows no " + resource.names[1] + " " +
                                        to_printable(name) + " (any more)"};
}

}  // namespace

Failure not_understood() {
  return {ExitCode::failure,
          "the daemon's answer is not what this version expects; compare `signalbox --version` "
          "with the daemon's"};
}

Outcome<std::string> fetch_row(const ApiClient& client, const Resource& resource,
                               const std::string& name) {
  if (resource.is_list_only) return find_row(client, resource, name);
  auto body = fetch(client, resource.path + "/" + percent_encode(name));
  if (body.has_error()) return body.error();
  if (!body->starts_with('{')) return not_understood();
  return body;
}

Outcome<Fetched> fetch_rows(const ApiClient& client, const GetOptions& options) {
  if (!options.name) return fetch_list(client, options);
  auto row = fetch_row(client, *options.resource, *options.name);
  if (row.has_error()) return row.error();
  Fetched fetched;
  fetched.rows.push_back(*row);
  fetched.body = std::move(*row);
  return fetched;
}

}  // namespace signalbox::cli
