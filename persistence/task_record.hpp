// The stored form of a task: a version byte, the fields in a fixed order, a checksum. Reading is
// total: any bytes give a task or an error, so a damaged row can be reported and never takes the
// broker down.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/tasks/task.hpp"

namespace signalbox::persistence {

/// The format that is written. To add one:
///   1. raise this number;
///   2. in task_record.cpp, put the new fields at the end of write_fields, read them in a
///   read_fields_vN of their own
///      that begins with the one before it, and let decode_task call that for version N; all older
///      versions stay readable and give new fields their default;
///   3. keep every golden test of tests/persistence/task_record_test.cpp as it is and add one for
///   the new version;
///   4. raise `schema_version` in lmdb_schema.hpp, so that an older broker refuses the store.
/// Version 2 added `backend` and the attempt log, version 3 `preemptions` and their outcome. Rows
/// of an old form are rewritten in the new one by their next transition.
inline constexpr std::uint8_t task_record_version = 3;

/// Replaces the content of `record`; reusing one string for many tasks saves its allocations.
void encode_task(const Task& task, std::string& record);

/// @returns the task, or store_failed: unknown version, wrong checksum, or a field out of its
/// range.
Result<Task> decode_task(std::string_view record);

}  // namespace signalbox::persistence
