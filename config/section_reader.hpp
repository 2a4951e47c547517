// Reads one map of the YAML tree key by key into a settings struct. Every slip is noted and reading
// goes on, with the default kept; a key nobody asked for is unknown.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/violation.hpp"
#include "config/words.hpp"
#include "config/yaml_document.hpp"

namespace signalbox::config {

/// What the readers of one file share.
struct LoadContext {
  std::string file;
  std::vector<Violation> violations;
  Places places;

  void add(const Node& node, const std::string& path, std::string message);
  void add(const Entry& entry, const std::string& path, std::string message);
  /// Notes where the value of `path` was written.
  void place(const Node& node, const std::string& path);
};

/// @returns what is wrong with a text, or nothing.
using TextCheck = std::function<std::optional<std::string>(const std::string&)>;

std::optional<std::string> check_any(const std::string& text);
std::optional<std::string> check_not_empty(const std::string& text);
std::optional<std::string> check_name(const std::string& text);
std::optional<std::string> check_host(const std::string& text);

/// Both ends belong to it.
struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

/// @returns the whole number that `text` is in decimal, or nothing. No sign, no blanks.
std::optional<std::uint64_t> parse_whole(std::string_view text);

/// @returns "must be a whole number from MIN to MAX".
std::string describe(Range range);

class SectionReader {
 public:
  /// `node` may be null or an empty value: then every key is absent. Anything but a map is a
  /// violation.
  SectionReader(LoadContext& context, NodePointer node, std::string path);

  /// Reports the keys that were never asked for. Once, after the last read.
  void finish();

  /// @returns the entry, or null when it is absent. Makes the key known.
  const Entry* find(const std::string& key);

  [[nodiscard]] std::string path_of(const std::string& key) const { return join_path(x_path, key); }
  [[nodiscard]] const std::string& path() const { return x_path; }
  [[nodiscard]] const Node* node() const { return x_node.get(); }
  [[nodiscard]] LoadContext& context() { return x_context; }

  void read_text(const std::string& key, std::string& target, const TextCheck& check = check_any);
  void read_flag(const std::string& key, bool& target);
  void read_texts(const std::string& key, std::vector<std::string>& target, const TextCheck& check);

  template <class Number>
  void read_whole(const std::string& key, Number& target, Range range) {
    if (const auto number = take_whole(key, range, false)) target = static_cast<Number>(*number);
  }
  /// An empty value or `null` leaves it unset.
  template <class Number>
  void read_whole(const std::string& key, std::optional<Number>& target, Range range) {
    if (const auto number = take_whole(key, range, true)) target = static_cast<Number>(*number);
  }
  void read_seconds(const std::string& key, double& target, double min, double max);
  /// A decimal number. @param unit what is counted, for the message ("calls per second").
  void read_decimal(const std::string& key, double& target, double min, double max,
                    const std::string& unit);

  template <class Value, class Parse>
  void read_word(const std::string& key, Value& target, const std::vector<std::string>& words,
                 Parse parse) {
    if (const auto word = take_word(key, words, false)) target = *parse(*word);
  }
  template <class Value, class Parse>
  void read_word(const std::string& key, std::optional<Value>& target,
                 const std::vector<std::string>& words, Parse parse) {
    if (const auto word = take_word(key, words, true)) target = *parse(*word);
  }

  /// @returns the maps of a list; what is no map is reported by their readers. Absent or empty:
  /// none.
  std::vector<SectionReader> read_sections(const std::string& key);

  /// Reports at the section's start that `key` must be there.
  void require(const std::string& key);

 private:
  /// @returns the scalar value, or null with a violation unless it may be absent.
  const Node* take_scalar(const std::string& key, const std::string& wanted, bool is_optional);
  std::optional<std::uint64_t> take_whole(const std::string& key, Range range, bool is_optional);
  std::optional<std::string> take_word(const std::string& key,
                                       const std::vector<std::string>& words, bool is_optional);
  void report(const std::string& key, const Node& node, std::string message);

  LoadContext& x_context;
  NodePointer x_node;
  std::string x_path;
  /// Asked for so far, for the near misses too.
  std::vector<std::string> x_known;
};

/// @returns "a list", "a map", "nothing" or the quoted text.
std::string describe(const Node& node);

/// @returns a reader of the map under `key`; with nothing in it when the key is absent.
SectionReader open_section(SectionReader& parent, const std::string& key);

}  // namespace signalbox::config
