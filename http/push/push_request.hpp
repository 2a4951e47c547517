// What a caller's body comes to for a push worker: a prompt and a few numbers, and what of the body
// is done here because the worker knows nothing of it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/ports.hpp"

namespace signalbox::http {

/// What a worker is told when the caller names no bound: it always gets one.
inline constexpr std::int64_t default_max_tokens = 1024;

struct PushRequest {
  std::string prompt;
  std::int64_t max_tokens = default_max_tokens;
  /// Raw numbers, as the caller wrote them; top_p and top_k are empty when not given.
  std::string temperature = "1";
  std::string top_p;
  std::string top_k;
  /// Where the text ends although the worker goes on.
  std::vector<std::string> stop;
  /// The name the caller used, else the backend's; what the answer calls the model.
  std::string model;
  /// A stream ends with an event that has the usage.
  bool include_usage = false;
};

/// @returns what the call comes to, or backend_error with `param` and status 400 where a prompt
/// cannot carry it: embeddings, tools, images, several answers, a form of the answer.
Result<PushRequest> read_push_request(const BackendCall& call);

/// @param model left out when empty. @returns the body of POST /v1/inference.
std::string inference_body(const PushRequest& request, std::string_view model);

/// Workers do not count the tokens of a prompt: a quarter of its bytes, rounded up.
constexpr std::int64_t estimated_tokens(std::string_view prompt) {
  return static_cast<std::int64_t>((prompt.size() + 3) / 4);
}

}  // namespace signalbox::http
