// What every store must agree on besides the state machine: which operations are malformed, what a
// query selects and how much of the store one page may look at.
#pragma once

#include <cstddef>
#include <optional>

#include "core/ports.hpp"

namespace signalbox::persistence {

/// Pool, owner and claimed_by are parts of index keys; backend is kept as short, since the attempt
/// log repeats it. Unit: bytes.
inline constexpr std::size_t name_bytes_max = 128;
/// Unit: bytes.
inline constexpr std::size_t idempotency_hash_bytes_max = 64;
/// Unit: bytes. Kind and name of a document; with its length byte the pair stays below LMDB's 511
/// bytes a key.
inline constexpr std::size_t document_kind_bytes_max = 64;
inline constexpr std::size_t document_name_bytes_max = 400;

/// Range of TaskQuery::limit; others are taken as the nearest.
inline constexpr std::size_t page_tasks_max = 500;
/// Rows that one page looks at before it gives up with what it has and a cursor, so that a filter
/// that matches little never turns into a scan of everything under one read transaction.
inline constexpr std::size_t page_rows_examined_max = 10000;

/// @returns invalid_request when a store cannot take `op` whatever is in it: a name too long, a new
/// task that is not pending; else nothing.
std::optional<Error> malformed(const StoreOp& op);

/// @returns whether `task` passes all filters of `query`; cursor and limit are not looked at.
bool matches(const TaskQuery& query, const Task& task);

/// @returns `query.limit` within its range.
std::size_t page_size(const TaskQuery& query);

}  // namespace signalbox::persistence
