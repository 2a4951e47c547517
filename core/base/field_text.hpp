// Named texts in one string, for documents that the store keeps: `name=5:value` one after another.
// Any bytes may stand in a value, since its length comes first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace signalbox {

/// In the order they were written; a name may occur several times.
using Fields = std::vector<std::pair<std::string, std::string>>;

std::string encode_fields(const Fields& fields);

/// @returns nothing when `text` is not what encode_fields() makes.
std::optional<Fields> decode_fields(std::string_view text);

}  // namespace signalbox
