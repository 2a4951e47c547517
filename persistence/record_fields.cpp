#include "persistence/record_fields.hpp"

#include "persistence/checksum.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::size_t checksum_bytes = 4;

Error damaged(std::string_view what, const std::string& reason) {
  return make_error(ErrorCode::store_failed,
                    "the " + std::string{what} + " record is damaged: " + reason);
}

}  // namespace

void seal_record(std::string& record) {
  const std::uint32_t checksum = crc32c(record);
  RecordWriter out{record};
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out.byte(static_cast<std::uint8_t>(checksum >> shift));
  }
}

Result<OpenedRecord> open_record(std::string_view what, std::string_view record,
                                 std::uint8_t known_version) {
  if (record.size() < 1 + checksum_bytes) return damaged(what, "it is too short");
  // The version comes first: it says where everything else is, the checksum included.
  const auto version = static_cast<std::uint8_t>(record.front());
  if (version == 0 || version > known_version) {
    return make_error(ErrorCode::store_failed,
                      "the " + std::string{what} + " record has format version " +
                          std::to_string(version) + ", which this signalbox does not know");
  }
  const std::string_view content = record.substr(0, record.size() - checksum_bytes);
  if (crc32c(content) != get_big_endian(record.substr(content.size()))) {
    return damaged(what, "its checksum is wrong");
  }
  return OpenedRecord{version, content.substr(1)};
}

std::optional<Error> unread(std::string_view what, const RecordReader& in) {
  if (!in.ok()) return damaged(what, "a field is out of its range");
  if (!in.at_end()) {
    return damaged(what, "there is more than a " + std::string{what} + " in it");
  }
  return std::nullopt;
}

}  // namespace signalbox::persistence
