// Talks to a running daemon. The command line's only file with httplib::Client.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/client/call_stop.hpp"
#include "cli/client/connection.hpp"
#include "cli/client/failure.hpp"
#include "http/upstream/base_url.hpp"

namespace signalbox::cli {

struct ApiCall {
  std::string method = "GET";
  /// Encoded, with query.
  std::string path;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Gets the body of a good answer that is an event stream, as it comes; false ends the call.
  /// Unset, or another kind of answer: the body is collected.
  std::function<bool(std::string_view piece)> on_piece;
  /// Lets another thread end it; null = nobody does. Outlives the call.
  CallStop* stop = nullptr;
  /// How long each silence of the daemon is borne, and the connecting; unset = as long as it takes.
  std::optional<std::chrono::milliseconds> patience = {};
};

struct ApiAnswer {
  /// 2xx.
  int status = 0;
  std::string content_type;
  /// Empty when on_piece took it.
  std::string body;
};

class ApiClient {
 public:
  /// @returns usage when the URL or the key file is bad.
  static Outcome<ApiClient> make(const Connection& connection);

  /// @returns the daemon's error with its exit code; unreachable with a hint when nobody answers;
  /// interrupted, without a message, when it was stopped.
  Outcome<ApiAnswer> call(const ApiCall& call) const;

 private:
  ApiClient(http::BaseUrl base, std::string url, std::string key)
      : x_base{std::move(base)}, x_url{std::move(url)}, x_key{std::move(key)} {}

  [[nodiscard]] Failure unreachable(const std::string& reason) const;

  http::BaseUrl x_base;
  std::string x_url;
  std::string x_key;
};

/// @returns the key, empty when none is given; usage when its file or its characters are bad.
Outcome<std::string> read_key(const Connection& connection);

/// @returns `text` for a path segment or a query value: all but letters, digits and -._~ as %XX.
std::string percent_encode(std::string_view text);

}  // namespace signalbox::cli
