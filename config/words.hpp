// The words and shapes that values may have: names, hosts, urls, grants, enumerations, and guesses
// at what was meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace signalbox::config {

/// 1-128 of [A-Za-z0-9._:/@+-].
bool is_name(std::string_view text);

/// An address or a host name without port: 1-253 of [A-Za-z0-9._:-].
bool is_host(std::string_view text);

/// [A-Za-z_][A-Za-z0-9_]*.
bool is_variable_name(std::string_view text);

/// 64 hex digits.
bool is_sha256(std::string_view text);

/// @returns true for localhost, 127.0.0.0/8 and ::1, with or without brackets.
bool is_loopback(std::string_view bind);

/// @returns what is wrong with `url` as an upstream's, or nothing.
std::optional<std::string> find_url_problem(std::string_view url);

/// Every "resource:action" there is.
const std::vector<std::string>& all_grants();

/// The wire words of each enumeration, in declaration order.
const std::vector<std::string>& upstream_type_words();
const std::vector<std::string>& commit_mode_words();
const std::vector<std::string>& auth_mode_words();
const std::vector<std::string>& priority_words();

std::optional<UpstreamType> parse_upstream_type(std::string_view word);
std::optional<CommitMode> parse_commit_mode(std::string_view word);
std::optional<AuthMode> parse_auth_mode(std::string_view word);

std::string_view to_string(UpstreamType type);
std::string_view to_string(CommitMode mode);
std::string_view to_string(AuthMode mode);

/// @returns the word of `known` that `text` is most likely a slip of (edit distance at most a third
/// of the longer one), or nothing. Ties go to the first.
std::optional<std::string> find_nearest(std::string_view text,
                                        const std::vector<std::string>& known);

/// @returns "a, b or c".
std::string join_choices(const std::vector<std::string>& words);

/// @returns `text` in double quotes, control characters shown as \xNN, cut after 64 bytes.
std::string quote(std::string_view text);

}  // namespace signalbox::config
