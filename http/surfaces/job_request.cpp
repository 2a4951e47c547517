#include "http/surfaces/job_request.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "http/text/json_writer.hpp"
#include "http/text/read_members.hpp"

namespace signalbox::http {
namespace {

constexpr std::size_t session_bytes_max = 255;

struct NumberRule {
  const char* name;
  double min;
  double max;
  bool is_whole;
};
constexpr std::array number_rules{
    NumberRule{"max_tokens", 1, 10'000'000, true}, NumberRule{"temperature", 0, 100, false},
    NumberRule{"top_p", 0, 1, false}, NumberRule{"top_k", 0, 10'000'000, true}};

/// @returns nothing when the text is a number within the rule.
std::optional<Error> check_number(const NumberRule& rule, std::string_view raw) {
  double number = 0;
  const auto read = std::from_chars(raw.data(), raw.data() + raw.size(), number);
  const bool is_number = read.ec == std::errc{} && read.ptr == raw.data() + raw.size();
  const bool is_fitting = is_number && number >= rule.min && number <= rule.max &&
                          (!rule.is_whole || number == std::floor(number));
  if (is_fitting) return std::nullopt;
  return invalid_request(std::string{rule.name} + " must be a " +
                             (rule.is_whole ? "whole number" : "number") + " from " +
                             std::to_string(static_cast<std::int64_t>(rule.min)) + " to " +
                             std::to_string(static_cast<std::int64_t>(rule.max)),
                         rule.name);
}

Result<std::string> read_required(const std::vector<Member>& members, const std::string& name) {
  auto text = read_string(members, name);
  if (text.has_error()) return text.error();
  if (!*text) return invalid_request(name + " is missing", name);
  return std::move(**text);
}

bool is_printable(std::string_view text) {
  for (const char letter : text) {
    if (letter < ' ' || letter == '\x7f') return false;
  }
  return true;
}

Result<JobRequest> read_infer(const std::vector<Member>& members) {
  JobRequest job;
  auto model = read_required(members, "model");
  if (model.has_error()) return model.error();
  if (model->empty()) return invalid_request("model must be a name", "model");
  const auto prompt = read_required(members, "prompt");
  if (prompt.has_error()) return prompt.error();
  auto session = read_string(members, "session");
  if (session.has_error()) return session.error();
  job.session = std::move(*session).value_or("");
  if (job.session.size() > session_bytes_max || !is_printable(job.session)) {
    return invalid_request("session must be at most 255 printable bytes", "session");
  }
  JsonWriter json;
  json.begin_object().key("model").string(*model);
  json.key("prompt").raw(find_given(members, "prompt")->value);
  for (const NumberRule& rule : number_rules) {
    const Member* member = find_given(members, rule.name);
    if (member == nullptr) continue;
    if (auto error = check_number(rule, member->value)) return std::move(*error);
    json.key(rule.name).raw(member->value);
  }
  json.key("stream").boolean(true).end_object();
  job.model = std::move(*model);
  job.completion = json.take();
  return job;
}

}  // namespace

Result<JobRequest> read_job_request(std::string_view body) {
  const auto members = scan_object(body);
  if (members.has_error()) return members.error();
  const auto operation = read_required(*members, "operation");
  if (operation.has_error()) return operation.error();
  if (*operation == "infer") return read_infer(*members);
  if (*operation == "status") return JobRequest{JobOperation::status, {}, {}, {}};
  return invalid_request("operation must be infer or status", "operation");
}

}  // namespace signalbox::http
