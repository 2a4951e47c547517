#include "cli/show/top_frame.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <tuple>

#include "cli/client/failure.hpp"
#include "cli/client/table.hpp"
#include "cli/show/resources.hpp"
#include "cli/show/time_line.hpp"
#include "core/base/priority.hpp"
#include "core/base/read_number.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

using Cells = std::vector<std::string>;

struct Section {
  Cells headers;
  std::vector<Cells> rows;
};

/// Columns as `get` has them, chosen anew.
Resource view_of(std::vector<Column> columns) {
  return {{}, "", "", "", std::move(columns)};
}

std::string text_of(std::string_view object, std::string_view member) {
  const std::string_view raw = http::value_of(object, member);
  if (raw.empty() || raw == "null") return "";
  return to_printable(http::unquote(raw).value_or(std::string{raw}));
}

std::int64_t number_of(std::string_view object, std::string_view member) {
  double number = 0;
  if (!read_number(http::value_of(object, member), number)) return 0;
  return static_cast<std::int64_t>(std::clamp(number, 0.0, 1e15));
}

std::int64_t waiting_in(std::string_view profile, std::string_view priority) {
  return number_of(http::value_of(profile, "waiting"), priority);
}

Section profiles_section(std::string_view state, WallTime now) {
  static const Resource view = view_of({{"SLOTS", "max_concurrent"},
                                        {"IN-FLIGHT", "in_flight"},
                                        {"INTERACTIVE", "waiting.interactive"},
                                        {"WORKFLOW", "waiting.workflow"},
                                        {"BACKGROUND", "waiting.background"},
                                        {"EST-WAIT-S", "estimated_wait_s"},
                                        {"ADMITTED", "admitted_total"},
                                        {"REJECTED", "rejected_total"},
                                        {"POLICY", "policy"}});
  Section section{headers_of(view, false), {}};
  section.headers.insert(section.headers.begin(), "PROFILE");
  for (const http::Member& profile : http::members_of(http::value_of(state, "profiles"))) {
    Cells cells = cells_of(view, profile.value, false, now);
    cells.insert(cells.begin(), to_printable(profile.name));
    section.rows.push_back(std::move(cells));
  }
  return section;
}

/// Who waits stands behind all of higher classes and of its own class that came before. Of a long
/// queue the answer has the newest calls only: those that it left out are older.
class Positions {
 public:
  explicit Positions(std::string_view profiles) : x_profiles{profiles} {}

  void add(std::string_view call) { ++x_listed[key_of(call)]; }

  /// @pre every waiting call was added. Calls come newest first.
  std::int64_t take(std::string_view call) {
    const auto key = key_of(call);
    const std::string_view profile = http::value_of(x_profiles, key.first);
    std::int64_t before = 0;
    for (const Priority priority : all_priorities) {
      if (to_string(priority) == key.second) break;
      before += waiting_in(profile, to_string(priority));
    }
    const std::int64_t missing =
        std::max<std::int64_t>(waiting_in(profile, key.second) - x_listed[key], 0);
    return before + missing + x_listed[key] - x_taken[key]++;
  }

 private:
  using Key = std::pair<std::string, std::string>;
  static Key key_of(std::string_view call) {
    return {http::unquote(http::value_of(call, "profile")).value_or(""), text_of(call, "priority")};
  }

  std::string_view x_profiles;
  std::map<Key, std::int64_t> x_listed;
  std::map<Key, std::int64_t> x_taken;
};

struct LiveCall {
  std::string_view row;
  /// 0 = it runs.
  std::int64_t position = 0;
};

/// Those that run, longest first, then those that wait, as they will be admitted.
std::vector<LiveCall> live_calls(std::string_view state) {
  Positions positions{http::value_of(state, "profiles")};
  const auto rows = http::elements_of(http::value_of(state, "calls"));
  for (const std::string_view row : rows) {
    if (text_of(row, "status") == "queued") positions.add(row);
  }
  std::vector<LiveCall> calls;
  for (const std::string_view row : rows) {
    const std::string status = text_of(row, "status");
    if (status == "queued") calls.push_back({row, positions.take(row)});
    if (status == "running") calls.push_back({row, 0});
  }
  std::reverse(calls.begin(), calls.end());
  std::stable_sort(calls.begin(), calls.end(), [](const LiveCall& left, const LiveCall& right) {
    return left.position < right.position;
  });
  return calls;
}

Section calls_section(std::string_view state, WallTime now) {
  static const Resource view =
      view_of({{"PROFILE", "profile"},
               {"PRIORITY", "priority"},
               {"MODEL", "model"},
               {"BACKEND", "backend"},
               {"WAITED", "queue_wait_ms|queued_at..", CellKind::span},
               {"ELAPSED", "service_time_ms|admitted_at..", CellKind::span},
               {"OWNER", "owner"},
               {"DESCRIPTION", "description"}});
  Section section{headers_of(view, false), {}};
  section.headers.insert(section.headers.begin(), {"CALL", "POSITION"});
  for (const LiveCall& call : live_calls(state)) {
    Cells cells = cells_of(view, call.row, false, now);
    const std::string position = call.position == 0 ? "runs" : std::to_string(call.position);
    cells.insert(cells.begin(), {text_of(call.row, "id"), position});
    section.rows.push_back(std::move(cells));
  }
  return section;
}

Section list_section(const Resource& view, std::string_view list, WallTime now) {
  Section section{headers_of(view, false), {}};
  for (const std::string_view row : http::elements_of(list)) {
    section.rows.push_back(cells_of(view, row, false, now));
  }
  return section;
}

Section llms_section(std::string_view state, WallTime now) {
  static const Resource view = view_of({{"LLM", "name"},
                                        {"KIND", "kind"},
                                        {"STATUS", "status"},
                                        {"RUNNING", "running"},
                                        {"CAPACITY", "capacity"},
                                        {"POOL", "pool"},
                                        {"MODEL", "model"}});
  return list_section(view, http::value_of(state, "llms"), now);
}

Section workers_section(std::string_view state, WallTime now) {
  static const Resource view = view_of({{"WORKER", "session"},
                                        {"STATE", "state"},
                                        {"LLMS", "llms", CellKind::names},
                                        {"IN-FLIGHT", "in_flight"},
                                        {"CAPACITY", "capacity"},
                                        {"DONE", "done"},
                                        {"FAILED", "failed"},
                                        {"HEARTBEAT", "last_heartbeat_at", CellKind::age}});
  return list_section(view, http::value_of(state, "workers"), now);
}

std::string count_line(std::string_view state) {
  std::int64_t in_flight = 0;
  std::array<std::int64_t, all_priorities.size()> waiting{};
  const auto profiles = http::members_of(http::value_of(state, "profiles"));
  for (const http::Member& profile : profiles) {
    in_flight += number_of(profile.value, "in_flight");
    for (const Priority priority : all_priorities) {
      waiting[to_index(priority)] += waiting_in(profile.value, to_string(priority));
    }
  }
  const auto all = std::accumulate(waiting.begin(), waiting.end(), std::int64_t{0});
  std::string line = "in flight " + std::to_string(in_flight) + ", waiting " + std::to_string(all);
  const char* separator = " (";
  for (const Priority priority : all_priorities) {
    line += separator + std::string{to_string(priority)} + " " +
            std::to_string(waiting[to_index(priority)]);
    separator = ", ";
  }
  const auto count_of = [&](std::string_view list) {
    return std::to_string(http::elements_of(http::value_of(state, list)).size());
  };
  return line + "), profiles " + std::to_string(profiles.size()) + ", llms " + count_of("llms") +
         ", workers " + count_of("workers");
}

std::vector<std::string> head_lines(const TopView& view) {
  const std::string version = text_of(view.state, "version");
  const std::chrono::seconds uptime{number_of(view.state, "uptime_s")};
  std::vector<std::string> lines{"signalbox " + (version.empty() ? "?" : version) + " at " +
                                 to_printable(view.url) + ", up " + format_age(uptime)};
  if (!view.trouble.empty()) {
    lines.push_back("no answer for " + format_age(view.silence) + ", asking again: " +
                    to_printable(view.trouble.substr(0, view.trouble.find('\n'))));
  }
  lines.push_back(count_line(view.state));
  return lines;
}

/// @returns how many rows of each section are shown, taking from the longest until they fit.
std::vector<std::size_t> share_rows(const std::vector<Section>& sections, std::size_t room) {
  std::vector<std::size_t> shown;
  std::size_t total = 0;
  for (const Section& section : sections) {
    shown.push_back(section.rows.size());
    total += section.rows.size();
  }
  for (; total > room; --total) {
    const auto longest = std::max_element(shown.begin(), shown.end());
    if (*longest <= 1) break;
    --*longest;
  }
  return shown;
}

/// A blank line, the headers and `shown` lines, the last of them telling what is left out.
void add_section(std::vector<std::string>& lines, const Section& section, std::size_t shown,
                 std::size_t width) {
  std::vector<Cells> rows = section.rows;
  const bool is_cut = shown < rows.size();
  if (is_cut) rows.resize(shown - 1);
  lines.emplace_back();
  const std::string table = format_table(section.headers, rows, {true, width, {}});
  for (std::size_t begin = 0; begin < table.size();) {
    const std::size_t end = std::min(table.find('\n', begin), table.size());
    lines.push_back(table.substr(begin, end - begin));
    begin = end + 1;
  }
  if (is_cut) lines.push_back(std::to_string(section.rows.size() - rows.size()) + " more");
}

}  // namespace

std::vector<std::string> make_frame(const TopView& view, const FrameSize& size, WallTime now) {
  std::vector<std::string> lines = head_lines(view);
  std::vector<Section> sections{profiles_section(view.state, now), calls_section(view.state, now),
                                llms_section(view.state, now), workers_section(view.state, now)};
  std::erase_if(sections, [](const Section& section) { return section.rows.empty(); });
  const std::size_t taken = lines.size() + 2 * sections.size();
  const std::size_t room = size.height == 0      ? static_cast<std::size_t>(-1)
                           : size.height > taken ? size.height - taken
                                                 : 0;
  const auto shown = share_rows(sections, room);
  for (std::size_t index = 0; index < sections.size(); ++index) {
    add_section(lines, sections[index], shown[index], size.width);
  }
  if (size.height > 0 && lines.size() > size.height) lines.resize(size.height);
  if (size.width > 0) {
    for (std::string& line : lines) line = shorten(line, size.width);
  }
  return lines;
}

}  // namespace signalbox::cli
