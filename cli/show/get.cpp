#include "cli/show/get.hpp"

#include "cli/client/output.hpp"
#include "cli/show/fetch.hpp"
#include "cli/show/render.hpp"
#include "cli/show/watch.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {

int run_get(GetOptions options, WallClock& clock) {
  if (options.since_ago) {
    options.filters.emplace_back("since", http::format_time(clock.now() - *options.since_ago));
  }
  const auto client = ApiClient::make(options.connection);
  if (client.has_error()) return report(client.error());
  if (options.watch) return run_watch(*client, options, clock);
  const auto fetched = fetch_rows(*client, options);
  if (fetched.has_error()) return report(fetched.error());
  const bool is_printed = print_out(render(*fetched, options, clock.now(), terminal_width()));
  if (fetched->next_cursor != "null" && terminal_width() > 0) {
    report({ExitCode::ok, "there are more; --limit N shows them"});
  }
  return to_int(is_printed ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli
