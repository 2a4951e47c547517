#include "persistence/lmdb_schema.hpp"

#include <algorithm>
#include <limits>

#include "persistence/big_endian.hpp"
#include "persistence/checksum.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::size_t id_bytes = sizeof(IdBytes);
constexpr std::size_t checksum_bytes = 4;

std::string_view as_view(const TaskId& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

/// Keeps times before 1970 in front: the sign bit is turned over.
std::uint64_t ordered(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count()) ^ (std::uint64_t{1} << 63U);
}

template <class Number>
std::string big_endian(Number value) {
  std::string bytes(sizeof(Number), '\0');
  put_big_endian(bytes.data(), value, bytes.size());
  return bytes;
}

}  // namespace

Result<Tables> Tables::open(lmdb::Transaction& transaction, bool create) {
  Tables tables;
  for (std::size_t index = 0; index < table_count; ++index) {
    const bool is_late = static_cast<TableName>(index) == TableName::call;
    auto table = transaction.open_table(table_names[index], create || is_late);
    if (!table) return table.error();
    tables.x_tables_[index] = *table;
  }
  return tables;
}

// -- keys -----------------------------------------------------------------------------------------

Key& Key::bytes(std::string_view value) {
  SIGNALBOX_ASSERT(value.size() <= x_bytes_.size() - x_size_);
  std::copy(value.begin(), value.end(), x_bytes_.data() + x_size_);
  x_size_ += value.size();
  return *this;
}

Key& Key::byte(std::uint8_t value) {
  const char one = static_cast<char>(value);
  return bytes({&one, 1});
}

Key& Key::big_endian_16(std::uint16_t value) {
  return bytes(big_endian(value));
}
Key& Key::big_endian_64(std::uint64_t value) {
  return bytes(big_endian(value));
}
Key& Key::id(TaskId value) {
  return bytes(as_view(value));
}

Key& Key::inverted_id(TaskId value) {
  for (std::uint8_t& byte : value.bytes) byte = static_cast<std::uint8_t>(~byte);
  return id(value);
}

Key& Key::name(std::string_view value) {
  SIGNALBOX_ASSERT(value.size() <= std::numeric_limits<std::uint8_t>::max());
  return byte(static_cast<std::uint8_t>(value.size())).bytes(value);
}

Key task_key(TaskId id) {
  return Key{}.id(id);
}

TableName body_table(BodyKind kind) {
  return kind == BodyKind::request ? TableName::request : TableName::response;
}

Key chunk_key(TaskId id, std::uint16_t chunk) {
  return task_key(id).big_endian_16(chunk);
}

Key document_key(std::string_view kind, std::string_view name) {
  return Key{}.name(kind).bytes(name);
}

Key ready_prefix(std::string_view pool, Priority priority) {
  return Key{}.name(pool).byte(static_cast<std::uint8_t>(priority));
}

Key owner_prefix(std::string_view owner) {
  return Key{}.name(owner);
}

Key gc_prefix(WallTime completed_at) {
  return Key{}.big_endian_64(ordered(completed_at));
}

// -- index rows -----------------------------------------------------------------------------------

IndexRow state_row(const Task& task) {
  if (task.state == TaskState::pending) {
    return {TableName::ready, ready_prefix(task.pool, task.priority).id(task.id), task.profile};
  }
  if (is_terminal(task.state)) {
    return {TableName::gc, gc_prefix(task.completed_at).id(task.id), {}};
  }
  return {TableName::held, Key{}.name(task.claimed_by).id(task.id), {}};
}

IndexRow owner_row(const Task& task) {
  return {TableName::owner, owner_prefix(task.owner).inverted_id(task.id), {}};
}

IndexRow idempotency_row(const Task& task) {
  return {TableName::idem, Key{}.bytes(task.idempotency_hash), as_view(task.id)};
}

std::optional<TaskId> id_in_chunk_key(std::string_view key) {
  return id_in_value(key.substr(0, id_bytes));
}

std::optional<TaskId> id_in_value(std::string_view value) {
  if (value.size() != id_bytes) return std::nullopt;
  return id_at_end(value);
}

std::optional<TaskId> id_at_end(std::string_view key) {
  if (key.size() < id_bytes) return std::nullopt;
  TaskId id;
  std::memcpy(id.bytes.data(), key.data() + key.size() - id_bytes, id_bytes);
  return id;
}

std::optional<TaskId> inverted_id_at_end(std::string_view key) {
  auto id = id_at_end(key);
  if (!id) return id;
  for (std::uint8_t& byte : id->bytes) byte = static_cast<std::uint8_t>(~byte);
  return id;
}

std::optional<ReadyRow> parse_ready_row(const lmdb::Entry& entry) {
  const auto id = id_at_end(entry.key);
  if (!id) return std::nullopt;
  const std::string_view prefix = entry.key.substr(0, entry.key.size() - id_bytes);
  if (prefix.size() < 2) return std::nullopt;
  const auto pool_bytes = static_cast<unsigned char>(prefix.front());
  const auto priority = static_cast<unsigned char>(prefix.back());
  if (prefix.size() != pool_bytes + 2U || priority >= priority_count) return std::nullopt;
  return ReadyRow{*id, static_cast<Priority>(priority), prefix.substr(1, pool_bytes), entry.value};
}

std::string_view document_name(std::string_view key, std::string_view kind) {
  return key.substr(1 + kind.size());
}

// -- values ---------------------------------------------------------------------------------------

std::string seal(std::string_view value) {
  std::string sealed = big_endian(crc32c(value));
  sealed.append(value);
  return sealed;
}

std::optional<std::string_view> unseal(std::string_view sealed) {
  if (sealed.size() < checksum_bytes) return std::nullopt;
  const std::string_view value = sealed.substr(checksum_bytes);
  if (get_big_endian(sealed.substr(0, checksum_bytes)) != crc32c(value)) return std::nullopt;
  return value;
}

std::string encode_number(std::uint64_t value) {
  return big_endian(value);
}

std::optional<std::uint64_t> decode_number(std::string_view value) {
  if (value.size() != sizeof(std::uint64_t)) return std::nullopt;
  return get_big_endian(value);
}

}  // namespace signalbox::persistence
