// What `signalbox get` can show: the names each resource goes by, where it is asked for, and its
// columns.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"

namespace signalbox::cli {

enum class CellKind : std::uint8_t {
  /// A string, number or null as it is.
  text,
  /// true = "yes", false = "no".
  flag,
  /// A time, shown as how long ago.
  age,
  /// A list, shown as its elements' names.
  names,
  /// A length of time. `member` is its milliseconds, or two times as "from..to", or "from.." for a
  /// row that goes on; with `|` between them the first that the row has.
  span,
};

struct Column {
  std::string header;
  /// Member of the row; "waiting.interactive" goes one deeper, "llm|pool" takes the first
  /// that the row has.
  std::string member;
  CellKind kind = CellKind::text;
  /// Shown with `-o wide` only.
  bool is_wide = false;
};

struct Resource {
  /// First the plural that messages use.
  std::vector<std::string> names;
  std::string path;
  /// Member of the list's answer that has the rows.
  std::string list_member;
  /// Member of a row that names it.
  std::string name_member;
  std::vector<Column> columns;
  /// Lists come in pages of so many rows at most; 0 = whole, and without filters.
  std::size_t page_rows_max = 0;
  /// Query parameters that the list takes beside limit and cursor; each is a flag too.
  std::vector<std::string> filters = {};
  /// What `--status` may be.
  std::vector<std::string> statuses = {};
  /// There is the list only: one row is looked for in it.
  bool is_list_only = false;

  [[nodiscard]] bool has_pages() const { return page_rows_max > 0; }
  [[nodiscard]] bool takes(std::string_view filter) const;
};

/// tasks, workers, llms, agents, profiles, calls, pools.
const std::vector<Resource>& all_resources();

/// @returns the resource with that name, singular, plural or long form, or null.
const Resource* find_resource(std::string_view name);

/// @returns every name of every resource.
std::vector<std::string> resource_names();

/// @returns every word that `--status` may be for some resource.
std::vector<std::string> all_statuses();

/// @returns "tasks, workers, ... and profiles", for messages.
std::string join_resources();

std::vector<std::string> headers_of(const Resource& resource, bool is_wide);

/// @param row one row as JSON. @pre check_json(row). @returns its cells; an empty one where the row
/// has none.
std::vector<std::string> cells_of(const Resource& resource, std::string_view row, bool is_wide,
                                  WallTime now);

}  // namespace signalbox::cli
