#include "http/edge/reply.hpp"

#include <algorithm>
#include <array>

namespace signalbox::http {

namespace {

void add_status_line(std::string& out, int status) {
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  out.append(reason_phrase(status)).append("\r\n");
}

void add_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

bool may_be_sent(std::string_view name, std::string_view value) {
  static constexpr std::array<std::string_view, 6> ours = {
      "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "content-type"};
  if (!is_token(name) || !is_field_value(value)) return false;
  return std::none_of(ours.begin(), ours.end(),
                      [&](std::string_view word) { return equals_ignoring_case(word, name); });
}

std::string stream_head(const Response& response, StreamFraming framing, bool keep_alive) {
  std::string out;
  out.reserve(512);
  add_status_line(out, response.status);
  if (!response.content_type.empty() && is_field_value(response.content_type)) {
    add_header(out, "Content-Type", response.content_type);
  }
  for (const auto& [name, value] : response.headers) {
    if (may_be_sent(name, value)) add_header(out, name, value);
  }
  if (!find_header(response.headers, "cache-control")) {
    add_header(out, "Cache-Control", "no-store");
  }
  if (!find_header(response.headers, "x-accel-buffering")) {
    add_header(out, "X-Accel-Buffering", "no");
  }
  if (framing == StreamFraming::chunked) add_header(out, "Transfer-Encoding", "chunked");
  if (!keep_alive) add_header(out, "Connection", "close");
  out.append("\r\n");
  return out;
}

std::string refusal_reply(const Refusal& refusal, std::string_view request_id,
                          const EarlyAnswer& early_answer) {
  const Response answer = early_answer({.status = refusal.status,
                                        .code = refusal.code,
                                        .message = refusal.message,
                                        .request_id = request_id});
  const std::string& body = answer.body;
  std::string out;
  out.reserve(256 + body.size());
  add_status_line(out, refusal.status);
  add_header(out, "Content-Type", "application/json");
  add_header(out, "Content-Length", std::to_string(body.size()));
  for (const auto& [name, value] : answer.headers) {
    if (may_be_sent(name, value)) add_header(out, name, value);
  }
  if (refusal.retry_after_s > 0) {
    add_header(out, "Retry-After", std::to_string(refusal.retry_after_s));
  }
  add_header(out, "Connection", "close");
  out.append("\r\n").append(body);
  return out;
}

}  // namespace signalbox::http
