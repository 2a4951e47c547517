// YAML text as a small tree that keeps what yaml-cpp's own tree forgets: duplicate keys, quoting,
// and the size that aliases unfold to. yaml_document.cpp is the only file of this room that knows
// yaml-cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/violation.hpp"

namespace signalbox::config {

/// Unit: bytes. Larger files are refused unread.
inline constexpr std::size_t yaml_bytes_max = 1'048'576;
/// Values in a document, each alias counted as all it stands for, so that "a billion laughs" ends
/// at once.
inline constexpr std::size_t yaml_values_max = 200'000;
inline constexpr std::size_t yaml_depth_max = 64;

struct Node;
using NodePointer = std::shared_ptr<const Node>;

struct Entry {
  std::string key;
  std::size_t line = 0;
  std::size_t column = 0;
  NodePointer value;
};

enum class NodeKind : std::uint8_t { null, scalar, sequence, map };

struct Node {
  NodeKind kind = NodeKind::null;
  /// 1-based. A null that is a map's value stands at its key: an empty value has no place of its
  /// own.
  std::size_t line = 0;
  std::size_t column = 0;
  /// Written in quotes or as a block: text and nothing else.
  bool quoted = false;
  std::string text;
  /// In document order; aliases share their target.
  std::vector<NodePointer> items;
  /// In document order, without the repeats, which are violations.
  std::vector<Entry> entries;
  /// Values in here, itself included, aliases unfolded; a long text counts one more per 64 bytes.
  std::size_t weight = 1;
};

struct YamlDocument {
  /// Null when the text is empty or cannot be read.
  NodePointer root;
  /// Syntax errors, duplicate keys, tags, size limits.
  std::vector<Violation> violations;
};

YamlDocument parse_yaml(const std::string& text, const std::string& file_name);

}  // namespace signalbox::config
