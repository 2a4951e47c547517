#include "simulations/scenario/scenario_change.hpp"

#include <algorithm>

namespace signalbox::sim {
namespace {

using config::Entry;
using config::Node;
using config::NodeKind;
using config::NodePointer;

const Node* find(const Node& map, const std::string& key) {
  for (const Entry& entry : map.entries) {
    if (entry.key == key) return entry.value.get();
  }
  return nullptr;
}

/// @returns the value of its `name`; empty = it is no map or has none.
std::string name_of(const Node& node) {
  const Node* name = find(node, "name");
  return name == nullptr ? std::string{} : name->text;
}

bool is_list_of_names(const Node& node) {
  return node.kind == NodeKind::sequence && !node.items.empty() &&
         std::all_of(node.items.begin(), node.items.end(),
                     [](const NodePointer& item) { return !name_of(*item).empty(); });
}

NodePointer merge_maps(const Node& base, const Node& change) {
  Node merged = base;
  for (const Entry& entry : change.entries) {
    const auto same = std::find_if(merged.entries.begin(), merged.entries.end(),
                                   [&](const Entry& mine) { return mine.key == entry.key; });
    if (same == merged.entries.end()) {
      merged.entries.push_back(entry);
    } else {
      same->value = change_tree(same->value, entry.value);
    }
  }
  return std::make_shared<const Node>(std::move(merged));
}

NodePointer merge_lists(const Node& base, const Node& change) {
  Node merged = base;
  for (const NodePointer& item : change.items) {
    const auto same =
        std::find_if(merged.items.begin(), merged.items.end(),
                     [&](const NodePointer& mine) { return name_of(*mine) == name_of(*item); });
    if (same == merged.items.end()) {
      merged.items.push_back(item);
    } else {
      *same = change_tree(*same, item);
    }
  }
  return std::make_shared<const Node>(std::move(merged));
}

}  // namespace

NodePointer change_tree(const NodePointer& base, const NodePointer& change) {
  if (change == nullptr) return base;
  if (base == nullptr) return change;
  const bool are_maps = base->kind == NodeKind::map && change->kind == NodeKind::map;
  if (are_maps && find(*change, "law") == nullptr) return merge_maps(*base, *change);
  if (is_list_of_names(*base) && is_list_of_names(*change)) return merge_lists(*base, *change);
  return change;
}

}  // namespace signalbox::sim
