// The tables of the LMDB store and the layout of their keys. Numbers in keys are big-endian, so
// that byte order is their order; names are preceded by their length, so that no name is a prefix
// of another's rows.
//
//   table     key                  value                  serves
//   meta      name                 big-endian number(s)   schema version, boot counter, tasks by
//                                                         state (lmdb_counts.hpp)
//   task      id                   task record            everything
//   request   id, chunk number     checksum, size, bytes  bodies, apart from the record: a
//   response  id, chunk number     checksum, size, bytes  transition never rewrites them
//   ready     pool, priority, id   profile                pending tasks: recovery, listing a queue
//   held      claimed_by, id       -                      claimed and running tasks: recovery
//   owner     owner, inverted id   -                      one owner's tasks, newest first
//   gc        completed_at, id     -                      terminal tasks in the order they ended
//   idem      idempotency hash     id                     repeated calls, while the task's row
//   lives doc       kind, name           checksum, value        documents call      id call record
//   calls that ended, by time of arrival
//
// The bodies have a table for each kind: both grow at their end then, which fills pages whole. With
// both in one table the file was 1.4 times as large (measured with bodies of 1 KiB).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports.hpp"
#include "core/tasks/task.hpp"
#include "persistence/lmdb.hpp"

namespace signalbox::persistence {

/// Version of the whole layout, in table meta. A store with a higher one is refused, a lower one is
/// migrated at open. Raised whenever an older broker would misread what this one writes.
///   1  the tables above, task records of version 1
///   2  task records of version 2 too; opening a store of schema 1 raises the number and no more,
///      since both records are read and each row becomes version 2 when it is written next
///   3  task records of version 3 too, in the same way
/// Table call came later and changed nothing for brokers that do not know it: a store without it
/// gets it at open.
inline constexpr std::uint64_t schema_version = 3;

inline constexpr std::string_view meta_schema_version = "schema_version";
inline constexpr std::string_view meta_boot_counter = "boot_counter";

enum class TableName : std::uint8_t {
  meta,
  task,
  request,
  response,
  ready,
  held,
  owner,
  gc,
  idem,
  doc,
  call,
};
inline constexpr std::size_t table_count = 11;
inline constexpr std::array<const char*, table_count> table_names{
    "meta", "task", "request", "response", "ready", "held", "owner", "gc", "idem", "doc", "call"};

class Tables {
 public:
  /// @param create makes those that are missing; table call is made in any case.
  static Result<Tables> open(lmdb::Transaction& transaction, bool create);

  lmdb::Table operator[](TableName name) const { return x_tables_[static_cast<std::size_t>(name)]; }

 private:
  std::array<lmdb::Table, table_count> x_tables_{};
};

/// A key under construction, without an allocation.
class Key {
 public:
  Key& byte(std::uint8_t value);
  Key& big_endian_16(std::uint16_t value);
  Key& big_endian_64(std::uint64_t value);
  Key& id(TaskId value);
  /// The id's complement, which sorts newest first.
  Key& inverted_id(TaskId value);
  /// Length byte and bytes. @pre at most 255 bytes.
  Key& name(std::string_view value);
  Key& bytes(std::string_view value);

  [[nodiscard]] std::string_view view() const { return {x_bytes_.data(), x_size_}; }

 private:
  // Only the first x_size_ bytes are ever read.
  std::array<char, lmdb::key_bytes_max> x_bytes_;
  std::size_t x_size_ = 0;
};

Key task_key(TaskId id);
TableName body_table(BodyKind kind);
Key chunk_key(TaskId id, std::uint16_t chunk);
Key document_key(std::string_view kind, std::string_view name);
/// The part of ready keys before the id.
Key ready_prefix(std::string_view pool, Priority priority);
/// The part of owner keys before the id.
Key owner_prefix(std::string_view owner);
/// The part of gc keys before the id.
Key gc_prefix(WallTime completed_at);

/// One row of an index: all of it follows from the task.
struct IndexRow {
  TableName table = TableName::ready;
  Key key;
  /// A view into the task it was made of, or into `id`.
  std::string_view value;
};

/// @returns the one row in ready, held or gc that a task in this state has.
IndexRow state_row(const Task& task);
IndexRow owner_row(const Task& task);
/// @pre the task has an idempotency hash.
IndexRow idempotency_row(const Task& task);

/// @returns the id in the last 16 bytes of `key`, or nothing when it is too short.
std::optional<TaskId> id_at_end(std::string_view key);
std::optional<TaskId> inverted_id_at_end(std::string_view key);
std::optional<TaskId> id_in_chunk_key(std::string_view key);
/// @returns the id that `value` consists of, or nothing.
std::optional<TaskId> id_in_value(std::string_view value);

/// What a ready row says about its task; views into the row.
struct ReadyRow {
  TaskId id;
  Priority priority = Priority::workflow;
  std::string_view pool;
  std::string_view profile;
};
/// @returns nothing when the row is damaged.
std::optional<ReadyRow> parse_ready_row(const lmdb::Entry& entry);

/// @returns the name of a document's key of that kind.
std::string_view document_name(std::string_view key, std::string_view kind);

/// Values without a format of their own get a checksum in front.
std::string seal(std::string_view value);
/// @returns the value, or nothing when it is damaged.
std::optional<std::string_view> unseal(std::string_view sealed);

std::string encode_number(std::uint64_t value);
std::optional<std::uint64_t> decode_number(std::string_view value);

}  // namespace signalbox::persistence
