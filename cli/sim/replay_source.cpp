#include "cli/sim/replay_source.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <memory>
#include <utility>

#include "cli/sim/call_rows_file.hpp"
#include "cli/sim/sim_files.hpp"
#include "cli/sim/trace_lines_file.hpp"
#include "config/words.hpp"
#include "simulations/scenario/recording.hpp"
#include "simulations/scenario/trace_reader.hpp"

namespace signalbox::cli {
namespace {

/// A published form of traces.
struct TraceForm {
  TraceColumns columns;
  Duration time_unit{};
};

/// Of JSON lines and of CSV files.
TraceForm mooncake_form() {
  return {{"timestamp", "input_length", "output_length"}, std::chrono::milliseconds{1}};
}
TraceForm azure_form() {
  return {{"TIMESTAMP", "ContextTokens", "GeneratedTokens"}, Duration::zero()};
}

constexpr const char* forms =
    "what can be replayed is\n"
    "- rows of calls: signalbox get calls -o jsonl\n"
    "- CSV with a header of TIMESTAMP, ContextTokens, GeneratedTokens, as Azure's traces have\n"
    "- JSON lines with timestamp, input_length, output_length, as Mooncake's traces have\n"
    "- other CSV with a header or JSON lines: --columns time=NAME,tokens_in=NAME,tokens_out=NAME "
    "and --time calendar|s|ms|us name what holds what";

Failure usage_failure(const std::string& message) {
  return {ExitCode::usage, message};
}

/// More of a line is not needed to tell what a file is.
constexpr std::size_t head_bytes_max = 65'536;

/// @returns the first line that is not blank, or its beginning.
std::string first_line(std::string_view text) {
  const std::size_t begin = text.find_first_not_of("\r\n\t ");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  std::string line{text.substr(0, text.find('\n'))};
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

/// The program that packed it; null when it is not packed.
const char* packer_of(std::string_view head) {
  using namespace std::string_view_literals;
  constexpr std::array<std::pair<std::string_view, const char*>, 5> marks{
      {{"\x1f\x8b"sv, "gzip"},
       {"\x28\xb5\x2f\xfd"sv, "zstd"},
       {"\xfd\x37zXZ"sv, "xz"},
       {"BZh"sv, "bzip2"},
       {"PK\x03\x04"sv, "zip"}}};
  for (const auto& [mark, packer] : marks) {
    if (head.starts_with(mark)) return packer;
  }
  return nullptr;
}

bool has_keys(const boost::json::object& row, const TraceColumns& columns) {
  return row.contains(columns.time) && row.contains(columns.tokens_in) &&
         row.contains(columns.tokens_out);
}

bool is_call(const boost::json::object& row) {
  return row.contains("queued_at") && row.contains("profile") && row.contains("priority");
}

bool has_columns(std::string_view header, const TraceColumns& columns) {
  const auto has = [&](const std::string& name) {
    return ("," + std::string{header} + ",").find("," + name + ",") != std::string::npos;
  };
  return has(columns.time) && has(columns.tokens_in) && has(columns.tokens_out);
}

/// What the options say comes first. @param published of the file's kind, if it looks like that.
std::optional<TraceForm> choose_form(const ReplayOptions& options,
                                     const std::optional<TraceForm>& published) {
  std::optional<TraceForm> form = published;
  if (options.columns) form = TraceForm{*options.columns, Duration::zero()};
  if (form && options.time_unit) form->time_unit = *options.time_unit;
  return form;
}

/// @returns what a trace's replay lacks, or nothing.
std::optional<Failure> find_gap(const ReplayOptions& options, const TraceColumns& columns) {
  if (!options.slots || !options.service) {
    return usage_failure(options.file +
                         " is a trace of arrivals, and tells neither how many slots there are nor "
                         "how long a call takes: give --slots N and --service "
                         "OVERHEAD_S,PER_TOKEN_OUT_S[,PER_TOKEN_IN_S]");
  }
  const auto lacks = [&](Duration per_token, const std::string& column) {
    return per_token > Duration::zero() && column.empty();
  };
  if (lacks(options.service->per_token_out, columns.tokens_out)) {
    return usage_failure("--service counts tokens of answers, and --columns names no tokens_out");
  }
  if (lacks(options.service->per_token_in, columns.tokens_in)) {
    return usage_failure("--service counts tokens of prompts, and --columns names no tokens_in");
  }
  return std::nullopt;
}

Outcome<ReplaySource> replay_arrivals(const ReplayOptions& options, sim::ArrivalLaw arrival) {
  return ReplaySource{
      sim::replay_trace(std::move(arrival), {*options.slots, *options.service}, "trace"), {}};
}

/// A slip in the first row, which most slips in options are, is told before anything is run.
std::optional<Failure> try_first_row(const ReplayOptions& options, sim::TraceSpec spec) {
  auto reader = sim::TraceReader::open(spec, spec.file);
  if (reader.has_error()) return usage_failure(reader.error().message);
  const auto row = reader->next();
  if (row.has_value()) {
    if (row->has_value()) return std::nullopt;
    return usage_failure(options.file + " has no calls");
  }
  std::string message = row.error().message;
  if (!options.time_unit && spec.time_unit == Duration::zero()) {
    spec.time_unit = std::chrono::seconds{1};
    auto numbers = sim::TraceReader::open(spec, spec.file);
    const bool holds_numbers = numbers.has_value() && numbers->next().has_value();
    if (holds_numbers) message += "; it is a number: say of what with --time s, ms or us";
  }
  return usage_failure(message);
}

Outcome<ReplaySource> replay_csv(const ReplayOptions& options, const std::string& header) {
  std::optional<TraceForm> published;
  if (has_columns(header, azure_form().columns)) published = azure_form();
  const auto form = choose_form(options, published);
  if (!form) {
    return usage_failure(options.file + " begins with " + config::quote(header.substr(0, 120)) +
                         "; " + forms);
  }
  if (options.file == "-") return usage_failure("a CSV trace is read from a file, not from stdin");
  if (auto gap = find_gap(options, form->columns)) return *gap;
  sim::ArrivalLaw arrival;
  arrival.kind = sim::ArrivalKind::trace;
  arrival.trace = {.file = options.file,
                   .time_column = form->columns.time,
                   .tokens_in_column = form->columns.tokens_in,
                   .tokens_out_column = form->columns.tokens_out,
                   .time_unit = form->time_unit,
                   .from_first = true,
                   .traffic = options.traffic};
  if (auto failure = try_first_row(options, arrival.trace)) return *failure;
  return replay_arrivals(options, std::move(arrival));
}

Outcome<ReplaySource> replay_trace_lines(const ReplayOptions& options, const TraceForm& form,
                                         const std::string& text) {
  if (auto gap = find_gap(options, form.columns)) return *gap;
  auto rows = read_trace_lines(text, form.columns, form.time_unit, options.file);
  if (rows.has_error()) return rows.error();
  const Duration start = rows->front().at;
  for (sim::TraceRow& row : *rows) row.at = sim::at_traffic(row.at - start, options.traffic);
  sim::ArrivalLaw arrival;
  arrival.kind = sim::ArrivalKind::recorded;
  arrival.rows = std::make_shared<const std::vector<sim::TraceRow>>(std::move(*rows));
  return replay_arrivals(options, std::move(arrival));
}

Outcome<ReplaySource> replay_call_rows(const ReplayOptions& options, const std::string& text) {
  if (options.service || options.columns || options.time_unit) {
    return usage_failure("--service, --columns and --time are for traces; rows of calls, as in " +
                         options.file + ", tell all that themselves");
  }
  auto rows = read_call_rows(text, options.file);
  if (rows.has_error()) return rows.error();
  ReplaySource source;
  if (rows->skipped > 0) {
    source.notes.push_back("calls left out, without a slot or not ended: " +
                           std::to_string(rows->skipped));
  }
  if (rows->calls.empty()) return usage_failure(options.file + " has no calls");
  source.scenario = sim::replay_scenario(std::move(rows->calls), "replay", options.traffic);
  return source;
}

Outcome<ReplaySource> replay_json(const ReplayOptions& options, const std::string& line,
                                  const std::string& text) {
  boost::json::error_code failed;
  const auto first = boost::json::parse(line, failed);
  const bool is_object = !failed && first.is_object();
  std::optional<TraceForm> published;
  if (is_object && has_keys(first.as_object(), mooncake_form().columns))
    published = mooncake_form();
  const bool is_call_row = is_object && is_call(first.as_object());
  const auto form = is_call_row ? std::nullopt : choose_form(options, published);
  if (form) return replay_trace_lines(options, *form, text);
  if (is_call_row) return replay_call_rows(options, text);
  return usage_failure(options.file + " begins with " + config::quote(line.substr(0, 120)) + "; " +
                       forms);
}

/// @returns the file's beginning, or nothing when it cannot be read.
std::optional<std::string> read_head(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  std::string head(head_bytes_max, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (file.bad()) return std::nullopt;
  head.resize(static_cast<std::size_t>(file.gcount()));
  return head;
}

}  // namespace

Outcome<ReplaySource> open_replay(const ReplayOptions& options) {
  const bool is_stdin = options.file == "-";
  std::optional<std::string> whole;
  if (is_stdin) {
    auto text = read_file(options.file);
    if (text.has_error()) return text.error();
    whole = std::move(*text);
  }
  const auto head = is_stdin ? whole->substr(0, head_bytes_max) : read_head(options.file);
  if (!head) return usage_failure("cannot read " + options.file);
  if (const char* packer = packer_of(*head)) {
    return usage_failure(options.file + " is packed by " + packer + ": unpack it first");
  }
  const std::string line = first_line(*head);
  if (line.empty()) return usage_failure(options.file + " has no calls");
  if (!line.starts_with('{')) return replay_csv(options, line);
  if (!whole) {
    auto text = read_file(options.file);
    if (text.has_error()) return text.error();
    whole = std::move(*text);
  }
  return replay_json(options, first_line(*whole), *whole);
}

}  // namespace signalbox::cli
