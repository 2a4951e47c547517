#include "config/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "config/text_check.hpp"

namespace signalbox::config {
namespace {

/// Ends the parse from inside a callback.
struct Refused {
  Violation violation;
};

std::size_t to_one_based(int zero_based) {
  return zero_based < 0 ? 1 : static_cast<std::size_t>(zero_based) + 1;
}

Violation violation_at(const std::string& file, const YAML::Mark& mark, std::string message) {
  return {file, to_one_based(mark.line), to_one_based(mark.column), "", std::move(message)};
}

/// A map or sequence whose end has not come yet.
struct Frame {
  std::shared_ptr<Node> node;
  YAML::anchor_t anchor = YAML::NullAnchor;
  std::string path;
  /// Of a map: the key whose value comes next.
  std::optional<Entry> key;
  /// Of a map: its keys so far and their lines.
  std::map<std::string, std::size_t> keys;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const std::string& file)
      : x_text{text}, x_line_starts{find_line_starts(text)}, x_file{file} {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    ++x_documents;
    if (x_documents == 2) x_second_document = mark;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (x_documents > 1) return;
    auto node = make_node(NodeKind::null, mark);
    const bool is_map_value = !x_frames.empty() && x_frames.back().key;
    if (is_map_value) {
      node->line = x_frames.back().key->line;
      node->column = x_frames.back().key->column;
    }
    remember(anchor, node);
    take(std::move(node), mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (x_documents > 1) return;
    const auto found = x_anchors.find(anchor);
    if (found == x_anchors.end()) {
      throw Refused{violation_at(x_file, mark, "this alias stands inside what it names")};
    }
    take(found->second, mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (x_documents > 1) return;
    check_tag(mark, tag);
    auto node = make_node(NodeKind::scalar, mark);
    node->quoted = tag == "!";
    node->text = value;
    node->weight += value.size() / 64;
    if (node->quoted && !is_closed(*node)) {
      throw Refused{violation_at(x_file, mark, "the quoted text that starts here is not closed")};
    }
    remember(anchor, node);
    take(std::move(node), mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (x_documents > 1) return;
    check_tag(mark, tag);
    open(NodeKind::sequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (x_documents > 1) return;
    check_tag(mark, tag);
    open(NodeKind::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] NodePointer root() const { return x_root; }
  [[nodiscard]] const std::optional<YAML::Mark>& second_document() const {
    return x_second_document;
  }
  /// @returns whether a document marker stands at `mark`, rather than something left over.
  [[nodiscard]] bool starts_document(const YAML::Mark& mark) const {
    const std::size_t line = to_one_based(mark.line) - 1;
    if (line >= x_line_starts.size() || mark.column != 0) return false;
    const std::string_view rest = x_text.substr(x_line_starts[line]);
    return rest.starts_with("---") || rest.starts_with("%");
  }
  std::vector<Violation> take_violations() { return std::move(x_violations); }

 private:
  static std::shared_ptr<Node> make_node(NodeKind kind, const YAML::Mark& mark) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->line = to_one_based(mark.line);
    node->column = to_one_based(mark.column);
    return node;
  }

  [[nodiscard]] bool is_closed(const Node& node) const {
    if (node.line > x_line_starts.size()) return true;
    return is_quote_closed(x_text, x_line_starts[node.line - 1] + node.column - 1);
  }

  // "?" is what an untagged value has and "!" a quoted one.
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    x_violations.push_back(violation_at(x_file, mark, "YAML tags are not supported"));
  }

  void remember(YAML::anchor_t anchor, NodePointer node) {
    if (anchor != YAML::NullAnchor) x_anchors[anchor] = std::move(node);
  }

  [[nodiscard]] std::string child_path() const {
    if (x_frames.empty()) return "";
    const Frame& frame = x_frames.back();
    if (frame.node->kind == NodeKind::sequence) {
      return join_path(frame.path, frame.node->items.size());
    }
    return frame.key ? join_path(frame.path, frame.key->key) : frame.path;
  }

  void open(NodeKind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (x_frames.size() >= yaml_depth_max) {
      throw Refused{
          violation_at(x_file, mark, "nested deeper than " + std::to_string(yaml_depth_max))};
    }
    const bool is_map_key =
        !x_frames.empty() && x_frames.back().node->kind == NodeKind::map && !x_frames.back().key;
    if (is_map_key) throw Refused{violation_at(x_file, mark, "a key must be a plain text")};
    x_frames.push_back({make_node(kind, mark), anchor, child_path(), std::nullopt, {}});
  }

  void close() {
    if (x_documents > 1) return;
    Frame frame = std::move(x_frames.back());
    x_frames.pop_back();
    remember(frame.anchor, frame.node);
    YAML::Mark mark;
    mark.line = static_cast<int>(frame.node->line) - 1;
    mark.column = static_cast<int>(frame.node->column) - 1;
    take(std::move(frame.node), mark);
  }

  void take(NodePointer node, const YAML::Mark& mark) {
    if (x_frames.empty()) {
      x_root = std::move(node);
      return;
    }
    Frame& frame = x_frames.back();
    frame.node->weight += node->weight;
    if (frame.node->weight > yaml_values_max) {
      throw Refused{violation_at(x_file, mark,
                                 "more than " + std::to_string(yaml_values_max) +
                                     " values (aliases count as all they stand for)")};
    }
    if (frame.node->kind == NodeKind::sequence) {
      frame.node->items.push_back(std::move(node));
    } else if (!frame.key) {
      take_key(frame, *node, mark);
    } else {
      add_entry(frame, std::move(node));
    }
  }

  void take_key(Frame& frame, const Node& node, const YAML::Mark& mark) {
    if (node.kind != NodeKind::scalar) {
      throw Refused{violation_at(x_file, mark, "a key must be a plain text")};
    }
    frame.key = Entry{node.text, to_one_based(mark.line), to_one_based(mark.column), nullptr};
  }

  void add_entry(Frame& frame, NodePointer value) {
    Entry entry = std::move(*frame.key);
    frame.key.reset();
    entry.value = std::move(value);
    const auto [first, is_new] = frame.keys.emplace(entry.key, entry.line);
    if (is_new) {
      frame.node->entries.push_back(std::move(entry));
      return;
    }
    x_violations.push_back({x_file, entry.line, entry.column, join_path(frame.path, entry.key),
                            "is given twice, first in line " + std::to_string(first->second)});
  }

  std::string_view x_text;
  std::vector<std::size_t> x_line_starts;
  std::string x_file;
  int x_documents = 0;
  std::optional<YAML::Mark> x_second_document;
  std::vector<Frame> x_frames;
  std::map<YAML::anchor_t, NodePointer> x_anchors;
  NodePointer x_root;
  std::vector<Violation> x_violations;
};

std::optional<Violation> run_parser(const std::string& text, const std::string& file,
                                    TreeBuilder& builder) {
  try {
    std::istringstream stream{text};
    YAML::Parser parser{stream};
    // The second is read only to tell a slip in the syntax from a second document. Never more: at a
    // stray comma yaml-cpp 0.7 makes empty documents without end.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const Refused& refused) {
    return refused.violation;
  } catch (const YAML::Exception& error) {
    return violation_at(file, error.mark, error.msg);
  }
  if (const auto& mark = builder.second_document()) {
    return violation_at(file, *mark,
                        builder.starts_document(*mark)
                            ? "a second YAML document starts here; only one is allowed"
                            : "this belongs to no key");
  }
  return std::nullopt;
}

}  // namespace

YamlDocument parse_yaml(const std::string& text, const std::string& file_name) {
  YamlDocument document;
  if (text.size() > yaml_bytes_max) {
    document.violations.push_back(
        {file_name, 1, 1, "",
         "the file is larger than " + std::to_string(yaml_bytes_max) + " bytes"});
    return document;
  }
  if (const auto bad = find_bad_text(text)) {
    document.violations.push_back({file_name, bad->line, bad->column, "", bad->message});
    return document;
  }
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  const std::string plain = text.starts_with(byte_order_mark) ? text.substr(3) : text;
  TreeBuilder builder{plain, file_name};
  const auto failure = run_parser(plain, file_name, builder);
  document.violations = builder.take_violations();
  if (failure)
    document.violations.push_back(*failure);
  else
    document.root = builder.root();
  return document;
}

}  // namespace signalbox::config
