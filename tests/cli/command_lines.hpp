// Command lines of the tests, and what they are taken for.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.hpp"

namespace signalbox::cli::testing {

inline Command parse(const std::vector<std::string>& arguments,
                     const std::map<std::string, std::string>& environment = {}) {
  return parse_arguments(arguments, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
  });
}

/// What is said of a command line that is wrong.
inline std::string usage_error(const std::vector<std::string>& arguments) {
  const Command command = parse(arguments);
  REQUIRE(std::holds_alternative<UsageError>(command));
  return std::get<UsageError>(command).message;
}

}  // namespace signalbox::cli::testing
