// Request and response bodies, a table for each, cut into chunks. A value above 2 KB takes whole,
// adjacent pages of the file; chunks bound how long a run of adjacent pages has to be found in a
// store that is nearly full.
#pragma once

#include <cstddef>
#include <string>

#include "core/ports.hpp"
#include "persistence/lmdb_schema.hpp"

namespace signalbox::persistence {

/// Checksum and size of the whole body, in front of each chunk's bytes.
inline constexpr std::size_t body_chunk_header_bytes = 12;
/// Unit: bytes. 64 pages of 4 KiB together with both headers, LMDB's own being 16 bytes.
inline constexpr std::size_t body_chunk_bytes_max = 64 * 4096 - 16 - body_chunk_header_bytes;

/// Writes `body`, which has no rows yet. An empty body is one empty chunk, so that it differs from
/// none.
/// @param cursor one of the table of such bodies.
Result<void> write_body(lmdb::Cursor& cursor, TaskId id, const std::string& body);

/// @returns null when there is no such body; store_failed when it is damaged or not whole.
Result<Bytes> read_body(const lmdb::Transaction& transaction, const Tables& tables, TaskId id,
                        BodyKind kind);

/// Removes the task's body, if any, from the table of `cursor`.
Result<void> erase_body(lmdb::Cursor& cursor, TaskId id);

}  // namespace signalbox::persistence
