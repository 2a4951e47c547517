#include "config/section_reader.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <utility>

namespace signalbox::config {
namespace {

std::string suggest(std::string_view text, const std::vector<std::string>& known) {
  const auto nearest = find_nearest(text, known);
  return nearest ? "; did you mean " + *nearest + "?" : "";
}

/// Decimal with point or exponent; no sign, no "inf", no "nan".
std::optional<double> parse_decimal(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string to_text(double value) {
  std::string text = std::to_string(value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

void LoadContext::add(const Node& node, const std::string& path, std::string message) {
  violations.push_back({file, node.line, node.column, path, std::move(message)});
}

void LoadContext::add(const Entry& entry, const std::string& path, std::string message) {
  violations.push_back({file, entry.line, entry.column, path, std::move(message)});
}

void LoadContext::place(const Node& node, const std::string& path) {
  places[path] = {file, node.line, node.column};
}

std::optional<std::string> check_any(const std::string&) {
  return std::nullopt;
}

std::optional<std::string> check_not_empty(const std::string& text) {
  if (text.empty()) return "must not be empty";
  return std::nullopt;
}

std::optional<std::string> check_name(const std::string& text) {
  if (is_name(text)) return std::nullopt;
  return "must be 1-128 of A-Z a-z 0-9 . _ : / @ + -, not " + quote(text);
}

std::optional<std::string> check_host(const std::string& text) {
  if (is_host(text)) return std::nullopt;
  return "must be an address or a host name, without port, not " + quote(text);
}

std::optional<std::uint64_t> parse_whole(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::string describe(Range range) {
  return "must be a whole number from " + std::to_string(range.min) + " to " +
         std::to_string(range.max);
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case NodeKind::null:
      return "nothing";
    case NodeKind::scalar:
      return quote(node.text);
    case NodeKind::sequence:
      return "a list";
    case NodeKind::map:
      return "a map";
  }
  return "";
}

SectionReader::SectionReader(LoadContext& context, NodePointer node, std::string path)
    : x_context{context}, x_node{std::move(node)}, x_path{std::move(path)} {
  if (x_node == nullptr || x_node->kind == NodeKind::null) return;
  x_context.place(*x_node, x_path);
  if (x_node->kind == NodeKind::map) return;
  x_context.add(*x_node, x_path, "must be a map of keys, not " + describe(*x_node));
}

void SectionReader::finish() {
  if (x_node == nullptr) return;
  for (const Entry& entry : x_node->entries) {
    if (std::find(x_known.begin(), x_known.end(), entry.key) != x_known.end()) continue;
    x_context.add(entry, path_of(entry.key), "unknown key" + suggest(entry.key, x_known));
  }
}

const Entry* SectionReader::find(const std::string& key) {
  x_known.push_back(key);
  if (x_node == nullptr) return nullptr;
  for (const Entry& entry : x_node->entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

void SectionReader::report(const std::string& key, const Node& node, std::string message) {
  x_context.add(node, path_of(key), std::move(message));
}

const Node* SectionReader::take_scalar(const std::string& key, const std::string& wanted,
                                       bool is_optional) {
  const Entry* entry = find(key);
  if (entry == nullptr) return nullptr;
  const Node& node = *entry->value;
  x_context.place(node, path_of(key));
  if (node.kind == NodeKind::scalar) return &node;
  if (node.kind != NodeKind::null || !is_optional) {
    report(key, node, "must be " + wanted + ", not " + describe(node));
  }
  return nullptr;
}

void SectionReader::read_text(const std::string& key, std::string& target, const TextCheck& check) {
  const Node* node = take_scalar(key, "a text", false);
  if (node == nullptr) return;
  if (auto problem = check(node->text))
    report(key, *node, std::move(*problem));
  else
    target = node->text;
}

void SectionReader::read_flag(const std::string& key, bool& target) {
  const Node* node = take_scalar(key, "true or false", false);
  if (node == nullptr) return;
  const bool is_flag = !node->quoted && (node->text == "true" || node->text == "false");
  if (is_flag)
    target = node->text == "true";
  else
    report(key, *node, "must be true or false, not " + describe(*node));
}

void SectionReader::read_texts(const std::string& key, std::vector<std::string>& target,
                               const TextCheck& check) {
  const Entry* entry = find(key);
  if (entry == nullptr) return;
  const Node& list = *entry->value;
  x_context.place(list, path_of(key));
  if (list.kind != NodeKind::sequence) {
    report(key, list, "must be a list of texts, not " + describe(list));
    return;
  }
  target.clear();
  std::unordered_set<std::string> seen;
  for (std::size_t index = 0; index < list.items.size(); ++index) {
    const Node& item = *list.items[index];
    const std::string item_path = join_path(path_of(key), index);
    if (item.kind != NodeKind::scalar) {
      x_context.add(item, item_path, "must be a text, not " + describe(item));
    } else if (auto problem = check(item.text)) {
      x_context.add(item, item_path, std::move(*problem));
    } else if (!seen.insert(item.text).second) {
      x_context.add(item, item_path, quote(item.text) + " is in the list twice");
    } else {
      target.push_back(item.text);
    }
  }
}

std::optional<std::uint64_t> SectionReader::take_whole(const std::string& key, Range range,
                                                       bool is_optional) {
  const Node* node = take_scalar(key, "a whole number", is_optional);
  if (node == nullptr) return std::nullopt;
  const auto number = node->quoted ? std::nullopt : parse_whole(node->text);
  if (number && *number >= range.min && *number <= range.max) return number;
  report(key, *node, describe(range) + ", not " + describe(*node));
  return std::nullopt;
}

void SectionReader::read_seconds(const std::string& key, double& target, double min, double max) {
  read_decimal(key, target, min, max, "seconds");
}

void SectionReader::read_decimal(const std::string& key, double& target, double min, double max,
                                 const std::string& unit) {
  const Node* node = take_scalar(key, "a number of " + unit, false);
  if (node == nullptr) return;
  const auto number = node->quoted ? std::nullopt : parse_decimal(node->text);
  if (number && *number >= min && *number <= max) {
    target = *number;
    return;
  }
  report(key, *node,
         "must be from " + to_text(min) + " to " + to_text(max) + " " + unit + ", not " +
             describe(*node));
}

std::optional<std::string> SectionReader::take_word(const std::string& key,
                                                    const std::vector<std::string>& words,
                                                    bool is_optional) {
  const Node* node = take_scalar(key, join_choices(words), is_optional);
  if (node == nullptr) return std::nullopt;
  if (std::find(words.begin(), words.end(), node->text) != words.end()) return node->text;
  report(
      key, *node,
      "must be " + join_choices(words) + ", not " + describe(*node) + suggest(node->text, words));
  return std::nullopt;
}

std::vector<SectionReader> SectionReader::read_sections(const std::string& key) {
  std::vector<SectionReader> sections;
  const Entry* entry = find(key);
  if (entry == nullptr || entry->value->kind == NodeKind::null) return sections;
  const Node& list = *entry->value;
  x_context.place(list, path_of(key));
  if (list.kind != NodeKind::sequence) {
    report(key, list, "must be a list, not " + describe(list));
    return sections;
  }
  for (std::size_t index = 0; index < list.items.size(); ++index) {
    const std::string path = join_path(path_of(key), index);
    if (list.items[index]->kind == NodeKind::null) {
      x_context.add(*list.items[index], path, "must be a map of keys, not nothing");
    } else {
      sections.emplace_back(x_context, list.items[index], path);
    }
  }
  return sections;
}

void SectionReader::require(const std::string& key) {
  const bool is_map = x_node != nullptr && x_node->kind == NodeKind::map;
  if (!is_map || find(key) != nullptr) return;
  x_context.add(*x_node, path_of(key), "must be given");
}

SectionReader open_section(SectionReader& parent, const std::string& key) {
  const Entry* entry = parent.find(key);
  return {parent.context(), entry == nullptr ? nullptr : entry->value, parent.path_of(key)};
}

}  // namespace signalbox::config
