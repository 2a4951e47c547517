#include "cli/get.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "cli/api_client.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "http/json_members.hpp"

namespace signalbox::cli {
namespace {

constexpr std::size_t page_rows_max = 500;

/// What came, as raw JSON.
struct Fetched {
  std::vector<std::string> rows;
  /// Next page's cursor as JSON; "null" when all rows are here.
  std::string next_cursor = "null";
  /// The whole answer of a list without pages, or of a single row.
  std::string body;
};

Failure not_understood() {
  return {ExitCode::failure, "the daemon's answer is not what this version expects"};
}

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
        std::min<std::size_t>(options.limit - fetched.rows.size(), page_rows_max);
    auto body = fetch(
        client, resource.path + (resource.has_pages ? query_of(options, wanted, cursor) : ""));
    if (body.has_error()) return body.error();
    const std::string_view list = http::value_of(*body, resource.list_member);
    if (!list.starts_with('[')) return not_understood();
    const auto rows = http::elements_of(list);
    fetched.rows.insert(fetched.rows.end(), rows.begin(), rows.end());
    const std::string_view next = http::value_of(*body, "next_cursor");
    fetched.next_cursor = next.empty() || rows.empty() ? "null" : std::string{next};
    cursor = http::unquote(next).value_or("");
    fetched.body = std::move(*body);
  } while (resource.has_pages && !cursor.empty() && fetched.next_cursor != "null" &&
           fetched.rows.size() < options.limit);
  return fetched;
}

Outcome<Fetched> fetch_one(const ApiClient& client, const GetOptions& options) {
  auto body = fetch(client, options.resource->path + "/" + percent_encode(*options.name));
  if (body.has_error()) return body.error();
  if (!body->starts_with('{')) return not_understood();
  Fetched fetched;
  fetched.rows.push_back(*body);
  fetched.body = std::move(*body);
  return fetched;
}

std::string to_json_list(const Fetched& fetched, const GetOptions& options) {
  if (options.name || !options.resource->has_pages) return fetched.body + "\n";
  std::string text = "{\"" + options.resource->list_member + "\":[";
  for (std::size_t index = 0; index < fetched.rows.size(); ++index) {
    text += (index > 0 ? "," : "") + fetched.rows[index];
  }
  return text + "],\"next_cursor\":" + fetched.next_cursor + "}\n";
}

std::string to_lines(const Fetched& fetched, const GetOptions& options) {
  std::string text;
  for (const std::string& row : fetched.rows) {
    if (options.format == OutputFormat::jsonl) {
      text += row;
    } else {
      const auto name = http::unquote(http::value_of(row, options.resource->name_member));
      text += to_printable(name.value_or("-"));
    }
    text += '\n';
  }
  return text;
}

std::string to_table(const Fetched& fetched, const GetOptions& options, WallTime now) {
  const bool is_wide = options.format == OutputFormat::wide;
  std::vector<std::vector<std::string>> rows;
  for (const std::string& row : fetched.rows) {
    rows.push_back(cells_of(*options.resource, row, is_wide, now));
  }
  return format_table(headers_of(*options.resource, is_wide), rows,
                      {options.headers, is_wide ? 0 : terminal_width()});
}

std::string render(const Fetched& fetched, const GetOptions& options, WallTime now) {
  switch (options.format) {
    case OutputFormat::json:
      return to_json_list(fetched, options);
    case OutputFormat::jsonl:
    case OutputFormat::name:
      return to_lines(fetched, options);
    case OutputFormat::table:
    case OutputFormat::wide:
      break;
  }
  return to_table(fetched, options, now);
}

}  // namespace

int run_get(const GetOptions& options, WallTime now) {
  const auto client = ApiClient::make(options.connection);
  if (client.has_error()) return report(client.error());
  const auto fetched = options.name ? fetch_one(*client, options) : fetch_list(*client, options);
  if (fetched.has_error()) return report(fetched.error());
  const bool is_printed = print_out(render(*fetched, options, now));
  if (fetched->next_cursor != "null" && terminal_width() > 0) {
    report({ExitCode::ok, "there are more; --limit N shows them"});
  }
  return to_int(is_printed ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli
