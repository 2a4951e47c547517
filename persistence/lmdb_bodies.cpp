#include "persistence/lmdb_bodies.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "persistence/big_endian.hpp"
#include "persistence/checksum.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::size_t checksum_bytes = 4;

/// Covers the key too: a chunk under another task's key is as wrong as a damaged one.
std::uint32_t chunk_checksum(std::string_view key, std::string_view size_and_bytes) {
  return crc32c(size_and_bytes, crc32c(key));
}

Result<void> write_chunk(lmdb::Cursor& cursor, std::string_view key, std::size_t body_bytes,
                         std::string_view bytes) {
  auto place = cursor.append_room(key, body_chunk_header_bytes + bytes.size());
  if (!place) return place.error();
  char* const size = *place + checksum_bytes;
  put_big_endian(size, body_bytes, body_chunk_header_bytes - checksum_bytes);
  std::memcpy(*place + body_chunk_header_bytes, bytes.data(), bytes.size());
  const std::size_t covered = body_chunk_header_bytes - checksum_bytes + bytes.size();
  put_big_endian(*place, chunk_checksum(key, {size, covered}), checksum_bytes);
  return {};
}

/// A view of one chunk's parts, when they are undamaged.
struct Chunk {
  std::uint64_t body_bytes = 0;
  std::string_view bytes;
};

std::optional<Chunk> parse_chunk(const lmdb::Entry& entry) {
  if (entry.value.size() < body_chunk_header_bytes) return std::nullopt;
  const std::string_view covered = entry.value.substr(checksum_bytes);
  const std::uint64_t checksum = get_big_endian(entry.value.substr(0, checksum_bytes));
  if (checksum != chunk_checksum(entry.key, covered)) return std::nullopt;
  constexpr std::size_t size_bytes = body_chunk_header_bytes - checksum_bytes;
  return Chunk{get_big_endian(covered.substr(0, size_bytes)), covered.substr(size_bytes)};
}

Error damaged(TaskId id, BodyKind kind) {
  return make_error(ErrorCode::store_failed,
                    std::string{"The stored "} +
                        (kind == BodyKind::request ? "request" : "response") + " of task " +
                        id.to_string() + " is damaged.");
}

}  // namespace

Result<void> write_body(lmdb::Cursor& cursor, TaskId id, const std::string& body) {
  const std::string_view all{body};
  std::size_t written = 0;
  std::uint16_t number = 0;
  do {
    const std::string_view bytes = all.substr(written, body_chunk_bytes_max);
    const Key key = chunk_key(id, number);
    if (auto done = write_chunk(cursor, key.view(), all.size(), bytes); !done) return done;
    written += bytes.size();
    SIGNALBOX_ASSERT(number < std::numeric_limits<std::uint16_t>::max());
    ++number;
  } while (written < all.size());
  return {};
}

Result<Bytes> read_body(const lmdb::Transaction& transaction, const Tables& tables, TaskId id,
                        BodyKind kind) {
  auto cursor = lmdb::Cursor::open(transaction, tables[body_table(kind)]);
  if (!cursor) return cursor.error();
  auto entry = cursor->seek(chunk_key(id, 0).view());
  if (!entry) return entry.error();
  const Key prefix = task_key(id);
  std::string body;
  std::uint64_t body_bytes = 0;
  std::uint16_t number = 0;
  for (; *entry && (*entry)->key.starts_with(prefix.view()); ++number) {
    const auto chunk = parse_chunk(**entry);
    if (!chunk || (*entry)->key != chunk_key(id, number).view()) return damaged(id, kind);
    body_bytes = chunk->body_bytes;
    body.append(chunk->bytes);
    if (entry = cursor->next(); !entry) return entry.error();
  }
  if (number == 0) return Bytes{};
  if (body.size() != body_bytes) return damaged(id, kind);
  return make_bytes(std::move(body));
}

Result<void> erase_body(lmdb::Cursor& cursor, TaskId id) {
  const Key prefix = task_key(id);
  auto entry = cursor.seek(prefix.view());
  while (entry && *entry && (*entry)->key.starts_with(prefix.view())) {
    if (auto erased = cursor.erase_here(); !erased) return erased;
    entry = cursor.next();
  }
  if (!entry) return entry.error();
  return {};
}

}  // namespace signalbox::persistence
