// Rows of a resource from the daemon, as raw JSON: what get, watch and describe show.
#pragma once

#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/client/api_client.hpp"

namespace signalbox::cli {

struct Fetched {
  std::vector<std::string> rows;
  /// Next page's cursor as JSON; "null" when all rows are here.
  std::string next_cursor = "null";
  /// The whole answer of a list without pages, or of a single row.
  std::string body;
};

/// @returns the list, or the one row when `options` names one.
Outcome<Fetched> fetch_rows(const ApiClient& client, const GetOptions& options);

/// @returns the row as a JSON object.
Outcome<std::string> fetch_row(const ApiClient& client, const Resource& resource,
                               const std::string& name);

/// For answers that are no JSON, or another shape than expected.
Failure not_understood();

}  // namespace signalbox::cli
