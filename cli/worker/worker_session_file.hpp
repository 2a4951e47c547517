// A worker's session on disk, so that a restarted worker is the same one to its broker.
#pragma once

#include <optional>
#include <string>

namespace signalbox::cli {

/// @returns the session, empty when there is no file yet or nothing usable in it.
std::string load_session(const std::string& file);

/// Replaces the file in one step; only the owner may read it. @returns what went wrong, or nothing.
std::optional<std::string> save_session(const std::string& file, const std::string& session);

}  // namespace signalbox::cli
