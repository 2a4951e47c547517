#include "cli/client/api_client.hpp"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "config/words.hpp"

namespace signalbox::cli {
namespace {

constexpr std::chrono::seconds connect_timeout{5};
/// A call may wait and run for as long as the daemon's budgets allow; Ctrl-C ends it.
constexpr std::chrono::hours read_timeout{48};
constexpr std::size_t error_bytes_max = 1024 * 1024;

std::string origin_of(const http::BaseUrl& base) {
  const bool is_ipv6 = base.host.find(':') != std::string::npos;
  return std::string{base.https ? "https://" : "http://"} +
         (is_ipv6 ? "[" + base.host + "]" : base.host) + ":" + std::to_string(base.port);
}

std::string reason_of(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
      return "connection refused, or no such host";
    case httplib::Error::ConnectionTimeout:
      return "no connection within 5 s";
    case httplib::Error::Read:
    case httplib::Error::Write:
      return "the connection was lost";
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification:
      return "the TLS connection failed";
    default:
      return "the call failed";
  }
}

bool is_good(int status) {
  return status >= 200 && status < 300;
}

httplib::Request make_request(const ApiCall& call, const std::string& path_prefix,
                              const std::string& key) {
  httplib::Request request;
  request.method = call.method;
  request.path = path_prefix + call.path;
  request.body = call.body;
  request.set_header("User-Agent", "signalbox-cli/" SIGNALBOX_VERSION);
  if (!call.body.empty()) request.set_header("Content-Type", "application/json");
  if (!key.empty()) request.set_header("Authorization", "Bearer " + key);
  for (const auto& [name, value] : call.headers) request.set_header(name, value);
  return request;
}

}  // namespace

Outcome<std::string> read_key(const Connection& connection) {
  std::string key = connection.key;
  if (!connection.key_file.empty()) {
    std::ifstream file{connection.key_file};
    if (!std::getline(file, key)) {
      return Failure{ExitCode::usage,
                     "cannot read a key from " + config::quote(connection.key_file)};
    }
  }
  while (!key.empty() && (key.back() == '\r' || key.back() == ' ')) key.pop_back();
  for (const char byte : key) {
    if (byte <= ' ' || byte == 0x7F) {
      return Failure{ExitCode::usage, "the key has blanks or control characters in it"};
    }
  }
  return key;
}

Outcome<ApiClient> ApiClient::make(const Connection& connection) {
  const auto base = http::parse_base_url(connection.url);
  if (base.has_error()) {
    return Failure{ExitCode::usage, "the daemon's URL " + config::quote(connection.url) + ": " +
                                        base.error().message};
  }
  auto key = read_key(connection);
  if (key.has_error()) return key.error();
  return ApiClient{*base, connection.url, std::move(*key)};
}

Failure ApiClient::unreachable(const std::string& reason) const {
  return {ExitCode::unreachable, "cannot reach the daemon at " + to_printable(x_url) + ": " +
                                     reason +
                                     "\n  start it with: signalbox serve\n  or name another with "
                                     "--url or SIGNALBOX_URL"};
}

Outcome<ApiAnswer> ApiClient::call(const ApiCall& call) const {
  httplib::Client client{origin_of(x_base)};
  client.set_connection_timeout(std::min<std::chrono::milliseconds>(
      connect_timeout, call.patience.value_or(connect_timeout)));
  client.set_read_timeout(call.patience.value_or(read_timeout));
  httplib::Request request = make_request(call, x_base.path_prefix, x_key);
  ApiAnswer answer;
  request.response_handler = [&](const httplib::Response& response) {
    answer.status = response.status;
    answer.content_type = response.get_header_value("Content-Type");
    return call.stop == nullptr || !call.stop->is_stopped();
  };
  bool is_stopped_by_us = false;
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    const bool is_error = !is_good(answer.status);
    const bool is_stream = answer.content_type.starts_with("text/event-stream");
    if (!is_error && is_stream && call.on_piece) {
      is_stopped_by_us = !call.on_piece({data, size});
      return !is_stopped_by_us;
    }
    answer.body.append(data, size);
    return !is_error || answer.body.size() < error_bytes_max;
  };
  if (call.stop != nullptr) call.stop->begin([&client] { client.stop(); });
  const httplib::Result result = client.send(request);
  if (call.stop != nullptr && call.stop->end()) return Failure{ExitCode::interrupted, ""};
  const bool has_error_body = answer.status != 0 && !is_good(answer.status);
  if (has_error_body) return to_failure(answer.status, answer.body);
  if (!result && !is_stopped_by_us) return unreachable(reason_of(result.error()));
  return answer;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view kept =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char byte : text) {
    if (kept.find(byte) != std::string_view::npos) {
      encoded += byte;
      continue;
    }
    const auto value = static_cast<unsigned char>(byte);
    encoded += {'%', digits[value >> 4U], digits[value & 15U]};
  }
  return encoded;
}

}  // namespace signalbox::cli
