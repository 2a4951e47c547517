#include "cli/client/failure.hpp"

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

constexpr std::size_t shown_bytes_max = 500;

ExitCode exit_code_of(int status) {
  if (status == 401 || status == 403) return ExitCode::auth;
  if (status == 429) return ExitCode::rejected;
  return ExitCode::failure;
}

}  // namespace

void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  std::fprintf(stderr, "signalbox: unchecked failure: %s\n", failure.message.c_str());
  std::abort();
}

ExitCode to_exit_code(std::string_view wire_code, int status) {
  const auto code = parse_error_code(wire_code);
  if (!code) return exit_code_of(status);
  switch (*code) {
    case ErrorCode::queue_full:
    case ErrorCode::draining:
      return ExitCode::rejected;
    case ErrorCode::queue_wait_timeout:
    case ErrorCode::inference_timeout:
    case ErrorCode::await_timeout:
    case ErrorCode::task_cancelled:
    case ErrorCode::task_expired:
      return ExitCode::timed_out;
    case ErrorCode::unauthorized:
    case ErrorCode::forbidden:
    case ErrorCode::forbidden_host:
      return ExitCode::auth;
    case ErrorCode::no_backend:
    case ErrorCode::wake_failed:
    case ErrorCode::wake_timeout:
    case ErrorCode::backend_unreachable:
    case ErrorCode::backend_error:
    case ErrorCode::backend_stream_failed:
    case ErrorCode::worker_lost:
      return ExitCode::task_failed;
    default:
      return ExitCode::failure;
  }
}

Failure to_failure(int status, std::string_view body) {
  if (!http::check_json(body).has_error()) {
    const std::string_view error = http::value_of(body, "error");
    const auto message = http::unquote(http::value_of(error, "message"));
    const auto code = http::unquote(http::value_of(error, "code"));
    if (message) {
      const std::string suffix = code ? " (" + *code + ")" : "";
      return {to_exit_code(code.value_or(""), status), to_printable(*message + suffix),
              code.value_or("")};
    }
  }
  std::string shown = to_printable(body.substr(0, shown_bytes_max));
  if (shown.empty()) shown = "no more was said";
  return {exit_code_of(status), "HTTP status " + std::to_string(status) + ": " + shown};
}

int report(const Failure& failure) {
  if (!failure.message.empty()) {
    std::fprintf(stderr, "signalbox: %s\n", failure.message.c_str());
  }
  return to_int(failure.exit_code);
}

std::string to_printable(std::string_view text, bool keep_lines) {
  std::string printable{text};
  for (std::size_t index = 0; index < printable.size(); ++index) {
    const auto byte = static_cast<unsigned char>(printable[index]);
    if (keep_lines && (byte == '\n' || byte == '\t')) continue;
    if (byte < 0x20 || byte == 0x7F) printable[index] = '?';
    // U+0080..U+009F, which terminals take for control characters too.
    const bool is_c1 = byte == 0xC2 && index + 1 < printable.size() &&
                       static_cast<unsigned char>(printable[index + 1]) < 0xA0;
    if (is_c1) printable.replace(index, 2, "?");
  }
  return printable;
}

}  // namespace signalbox::cli
