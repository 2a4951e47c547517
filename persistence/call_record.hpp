// The stored form of a call row, built as task records are (record_fields.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/calls/call_row.hpp"

namespace signalbox::persistence {

/// The format that is written. To add one: as for task_record_version. Rows of a version from the
/// future are passed over by lists, so a new field is no reason to refuse the whole store; a
/// changed meaning is, by `schema_version`.
inline constexpr std::uint8_t call_record_version = 3;

/// Replaces the content of `record`.
void encode_call(const CallRow& row, std::string& record);

/// @returns the row, or store_failed: unknown version, wrong checksum, or a field out of its range.
/// A kind that this broker has no name for is kept as the number it is.
Result<CallRow> decode_call(std::string_view record);

}  // namespace signalbox::persistence
