#include "cli/show/describe.hpp"

#include "cli/client/output.hpp"
#include "cli/show/description.hpp"
#include "cli/show/fetch.hpp"

namespace signalbox::cli {

int run_describe(const DescribeOptions& options, WallTime now) {
  const auto client = ApiClient::make(options.connection);
  if (client.has_error()) return report(client.error());
  const auto row = fetch_row(*client, *options.resource, options.name);
  if (row.has_error()) return report(row.error());
  const std::string text = describe_row(*options.resource, *row, {now, options.full});
  return to_int(print_out(text) ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli
