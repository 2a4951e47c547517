// What a worker says to the broker, as JSON, and the parts of the broker's answers that it needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/worker/worker_arguments.hpp"
#include "core/ports.hpp"

namespace signalbox::cli {

/// The LLM's state as the worker reports it.
enum class LlmState : std::uint8_t { active, hibernating };

/// @param session empty = none yet.
std::string registration_body(const WorkerOptions& options, std::string_view session,
                              LlmState state);

/// @param state nothing = say nothing about the LLM.
std::string heartbeat_body(std::string_view llm, std::optional<LlmState> state);

/// @param chunks the `data` of each event. @param attempt 0 = leave it out.
std::string chunk_body(std::span<const std::string> chunks, std::uint64_t attempt);

/// The end of a run whose chunks have been sent.
std::string done_body(std::uint64_t attempt);

/// @param body JSON, as the local server gave it.
std::string result_body(int status, std::string_view body, std::uint64_t attempt);

/// The local server is awake.
std::string woken_body();

std::string error_body(std::string_view message, bool is_retryable, std::uint64_t attempt);

/// An answer of the local server's own (4xx with JSON, 5xx) keeps its status; all else is an error
/// of the worker's. @param has_chunks part of the answer is out, so a status would come too late.
std::string failure_body(const BackendFailed& failure, bool has_chunks, std::uint64_t attempt);

/// @returns the session of a registration's answer, or nothing when it names none that can be used.
std::optional<std::string> read_session(std::string_view body);

/// @returns the heartbeat's interval, 30 s when the answer names none. Range: 1..300 s.
std::chrono::milliseconds read_heartbeat_interval(std::string_view body);

/// @returns `error.code` of an answer, empty when it has none.
std::string read_error_code(std::string_view body);

}  // namespace signalbox::cli
