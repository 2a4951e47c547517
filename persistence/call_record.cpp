#include "persistence/call_record.hpp"

#include "persistence/record_fields.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::uint8_t flag_streaming = 1;

/// 0 = not known, else the count and one.
void write_count(RecordWriter& out, std::optional<std::uint32_t> count) {
  out.number(count ? std::uint64_t{*count} + 1 : 0);
}

std::optional<std::uint32_t> read_count(RecordReader& in) {
  const std::size_t number = in.count(std::size_t{UINT32_MAX} + 1);
  if (number == 0) return std::nullopt;
  return static_cast<std::uint32_t>(number - 1);
}

void write_fields(RecordWriter& out, const CallRow& row) {
  out.id(row.id);
  out.byte(static_cast<std::uint8_t>(row.kind));
  out.byte(static_cast<std::uint8_t>(row.priority));
  out.byte(static_cast<std::uint8_t>(row.status));
  out.byte(row.streaming ? flag_streaming : 0);
  out.number(row.attempts);
  for (const std::string* text :
       {&row.profile, &row.model, &row.pool, &row.backend, &row.owner, &row.description,
        &row.request_id, &row.error_kind, &row.error_detail}) {
    out.text(*text);
  }
  for (const WallTime time :
       {row.queued_at, row.admitted_at, row.started_http_at, row.first_token_at, row.finished_at}) {
    out.time(time);
  }
  for (const double ms : {row.queue_wait_ms, row.service_time_ms, row.total_latency_ms}) {
    out.real(ms);
  }
  write_count(out, row.tokens.in);
  write_count(out, row.tokens.out);
  out.number(row.preemptions);
}

CallRow read_fields_v1(RecordReader& in) {
  CallRow row;
  row.id = in.id();
  row.kind = static_cast<CallKind>(in.byte());
  row.priority = in.enumerator(Priority::background);
  row.status = in.enumerator(CallStatus::cancelled);
  row.streaming = in.flags(flag_streaming) != 0;
  row.attempts = in.number32();
  for (std::string* text :
       {&row.profile, &row.model, &row.pool, &row.backend, &row.owner, &row.description,
        &row.request_id, &row.error_kind, &row.error_detail}) {
    *text = in.text();
  }
  for (WallTime* time : {&row.queued_at, &row.admitted_at, &row.started_http_at,
                         &row.first_token_at, &row.finished_at}) {
    *time = in.time();
  }
  for (double* ms : {&row.queue_wait_ms, &row.service_time_ms, &row.total_latency_ms}) {
    *ms = in.real();
  }
  return row;
}

/// Version 2 counts tokens.
CallRow read_fields_v2(RecordReader& in) {
  CallRow row = read_fields_v1(in);
  row.tokens.in = read_count(in);
  row.tokens.out = read_count(in);
  return row;
}

/// Version 3 counts preemptions.
CallRow read_fields_v3(RecordReader& in) {
  CallRow row = read_fields_v2(in);
  row.preemptions = in.number32();
  return row;
}

CallRow read_fields(RecordReader& in, std::uint8_t version) {
  if (version == 1) return read_fields_v1(in);
  return version == 2 ? read_fields_v2(in) : read_fields_v3(in);
}

}  // namespace

void encode_call(const CallRow& row, std::string& record) {
  record.clear();
  RecordWriter out{record};
  out.byte(call_record_version);
  write_fields(out, row);
  seal_record(record);
}

Result<CallRow> decode_call(std::string_view record) {
  const auto opened = open_record("call", record, call_record_version);
  if (!opened) return opened.error();
  RecordReader in{opened->fields};
  CallRow row = read_fields(in, opened->version);
  if (auto error = unread("call", in)) return std::move(*error);
  return row;
}

}  // namespace signalbox::persistence
