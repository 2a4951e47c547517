#include "config/words.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace signalbox::config {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_made_of(std::string_view text, std::string_view signs) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || is_digit(c) || signs.find(c) != std::string_view::npos;
  });
}

/// @returns the place of `word` in `words`, or nothing.
std::optional<std::size_t> find_index(std::string_view word,
                                      const std::vector<std::string>& words) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<std::size_t>(found - words.begin());
}

template <class Enumeration>
std::optional<Enumeration> parse_word(std::string_view word,
                                      const std::vector<std::string>& words) {
  const auto index = find_index(word, words);
  if (!index) return std::nullopt;
  return static_cast<Enumeration>(*index);
}

/// Levenshtein's distance with swapped neighbours as one slip. O(a * b).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::string to_lower_with_underscores(std::string_view text) {
  std::string lower{text};
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return lower;
}

std::optional<std::string> find_port_problem(std::string_view port) {
  const bool is_number =
      !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
  if (!is_number || std::stoi(std::string{port}) < 1 || std::stoi(std::string{port}) > 65535) {
    return "must have a port from 1 to 65535";
  }
  return std::nullopt;
}

std::optional<std::string> find_authority_problem(std::string_view authority) {
  if (authority.empty()) return "must name a host";
  if (authority.find('@') != std::string_view::npos) {
    return "must not carry a user or password; use api_key_env";
  }
  std::string_view host = authority;
  std::string_view rest;
  if (authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return "has an IPv6 address without its ]";
    host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
    in6_addr address{};
    if (inet_pton(AF_INET6, std::string{host}.c_str(), &address) != 1) {
      return "has a bad IPv6 address";
    }
  } else {
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon != std::string_view::npos) rest = authority.substr(colon);
    if (host.empty() || host.size() > 253 || !is_made_of(host, "._-")) {
      return "must name a host of letters, digits, dots and dashes";
    }
  }
  if (rest.empty()) return std::nullopt;
  if (rest.front() != ':') return "must have a port after the host, or a path";
  return find_port_problem(rest.substr(1));
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_made_of(text, "._:/@+-");
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && is_made_of(text, "._:-");
}

bool is_variable_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && !is_digit(text.front()) && is_made_of(text, "_");
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

bool is_loopback(std::string_view bind) {
  if (bind.size() > 2 && bind.front() == '[' && bind.back() == ']') {
    bind = bind.substr(1, bind.size() - 2);
  }
  if (bind == "localhost") return true;
  const std::string text{bind};
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return false;
}

std::optional<std::string> find_url_problem(std::string_view url) {
  if (url.size() > 2048) return "is longer than 2048 bytes";
  for (const char c : url) {
    if (c <= ' ' || c == 0x7F) return "must not have blanks or control characters";
  }
  std::string_view rest = url;
  if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else
    return "must start with http:// or https://";
  if (rest.find('?') != std::string_view::npos) return "must not have a query";
  if (rest.find('#') != std::string_view::npos) return "must not have a fragment";
  return find_authority_problem(rest.substr(0, rest.find('/')));
}

const std::vector<std::string>& all_grants() {
  static const std::vector<std::string> grants = [] {
    std::vector<std::string> made;
    for (const char* resource :
         {"tasks", "llms", "agents", "workers", "profiles", "slots", "calls", "admin"}) {
      for (const char* action : {"view", "create", "edit", "delete"}) {
        made.push_back(std::string{resource} + ":" + action);
      }
    }
    return made;
  }();
  return grants;
}

const std::vector<std::string>& upstream_type_words() {
  static const std::vector<std::string> words{"openai", "lmstudio", "llamacpp", "ollama", "vllm"};
  return words;
}

const std::vector<std::string>& commit_mode_words() {
  static const std::vector<std::string> words{"sync", "relaxed"};
  return words;
}

const std::vector<std::string>& auth_mode_words() {
  static const std::vector<std::string> words{"none", "keys"};
  return words;
}

const std::vector<std::string>& priority_words() {
  static const std::vector<std::string> words{"interactive", "workflow", "background"};
  return words;
}

std::optional<UpstreamType> parse_upstream_type(std::string_view word) {
  return parse_word<UpstreamType>(word, upstream_type_words());
}

std::optional<CommitMode> parse_commit_mode(std::string_view word) {
  return parse_word<CommitMode>(word, commit_mode_words());
}

std::optional<AuthMode> parse_auth_mode(std::string_view word) {
  return parse_word<AuthMode>(word, auth_mode_words());
}

std::string_view to_string(UpstreamType type) {
  return upstream_type_words().at(static_cast<std::size_t>(type));
}

std::string_view to_string(CommitMode mode) {
  return commit_mode_words().at(static_cast<std::size_t>(mode));
}

std::string_view to_string(AuthMode mode) {
  return auth_mode_words().at(static_cast<std::size_t>(mode));
}

std::optional<std::string> find_nearest(std::string_view text,
                                        const std::vector<std::string>& known) {
  // Nobody slips on so long a word, and the distance costs its square.
  if (text.empty() || text.size() > 64) return std::nullopt;
  const std::string wanted = to_lower_with_underscores(text);
  std::optional<std::string> nearest;
  std::size_t nearest_distance = 0;
  for (const std::string& each : known) {
    const std::size_t distance = edit_distance(wanted, to_lower_with_underscores(each));
    const std::size_t allowed = std::max<std::size_t>(std::max(text.size(), each.size()) / 3, 1);
    if (distance > allowed || (nearest && distance >= nearest_distance)) continue;
    nearest = each;
    nearest_distance = distance;
  }
  return nearest;
}

std::string join_choices(const std::vector<std::string>& words) {
  std::string joined;
  for (std::size_t index = 0; index < words.size(); ++index) {
    if (index > 0) joined += index + 1 == words.size() ? " or " : ", ";
    joined += words[index];
  }
  return joined;
}

std::string quote(std::string_view text) {
  std::size_t shown_max = 64;
  // Not in the middle of a UTF-8 character.
  while (shown_max < text.size() &&
         (static_cast<unsigned char>(text[shown_max]) & 0xC0U) == 0x80U && shown_max > 60) {
    --shown_max;
  }
  std::string quoted = "\"";
  for (const char c : text.substr(0, shown_max)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      std::array<char, 5> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02X", static_cast<unsigned>(c));
      quoted += escape.data();
    } else {
      quoted += c;
    }
  }
  return quoted + (text.size() > shown_max ? "…\"" : "\"");
}

}  // namespace signalbox::config
