// The stored form of a task: a version byte, the fields in a fixed order, a checksum. Reading is
// total: any bytes give a task or an error, so a damaged row can be reported and never takes the
// broker down.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/task.hpp"

namespace signalbox::persistence {

/// The format that is written. To add one:
///   1. raise this number;
///   2. in task_record.cpp, copy read_fields_v1 to read_fields_v2, add the new fields to it and to
///   write_fields, and
///      let decode_task call it for version 2; version 1 stays readable and gives new fields their
///      default;
///   3. keep every golden test of tests/persistence/task_record_test.cpp as it is and add one for
///   the new version;
///   4. raise `schema_version` in lmdb_schema.hpp, so that an older broker refuses the store.
/// Rows of the old form are rewritten in the new one by their next transition.
inline constexpr std::uint8_t task_record_version = 1;

/// Replaces the content of `record`; reusing one string for many tasks saves its allocations.
void encode_task(const Task& task, std::string& record);

/// @returns the task, or store_failed: unknown version, wrong checksum, or a field out of its
/// range.
Result<Task> decode_task(std::string_view record);

}  // namespace signalbox::persistence
