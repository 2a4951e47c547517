// What became of one call to the broker, for decisions that need no socket.
#pragma once

#include <cstdint>
#include <string>

#include "cli/client/failure.hpp"

namespace signalbox::cli {

struct BrokerAnswer {
  /// 0 = no answer came.
  int status = 0;
  std::string body;
  /// The broker may have got the call, whether an answer came or not.
  bool may_have_arrived = false;
  /// Why there is no answer, or why the stream ended; for people.
  std::string reason;
};

enum class AnswerKind : std::uint8_t {
  accepted,
  /// 409: the task, or the name, is somebody else's.
  conflict,
  /// The broker does not know the session any more.
  session_gone,
  /// 401 or 403: the key does not do.
  unauthorized,
  /// It was certainly not acted on; the same call may do better later.
  later,
  /// Nobody knows whether it was acted on.
  unknown,
  /// The broker will not take it, now or later.
  refused,
};

AnswerKind kind_of(const BrokerAnswer& answer);

/// @returns what the broker said, or why it said nothing.
Failure describe(const BrokerAnswer& answer);

}  // namespace signalbox::cli
