#include <string>

#include "framework/base/varint.h"
#include "framework/record/batch.h"

namespace penstock::record {
namespace {

tl::unexpected<Error> bad_record(std::int32_t index, const char* what) {
  return fail(Errc::kCorrupt, "record " + std::to_string(index) + " of the batch: " + what);
}

// A length of -1 is null where `nullable`; the bytes stay where they are.
bool get_text(ByteView from, std::size_t& at, bool nullable, std::optional<std::string_view>& out) {
  std::int64_t length = 0;
  if (!get_varint(from, at, length, 32)) return false;
  if (length < 0) {
    out.reset();
    return nullable && length == -1;
  }
  if (static_cast<std::uint64_t>(length) > from.size() - at) return false;
  out = as_text(from.subspan(at, static_cast<std::size_t>(length)));
  at += static_cast<std::size_t>(length);
  return true;
}

}  // namespace

Result<RecordReader> RecordReader::open(const BatchView& batch, std::size_t output_max) {
  RecordReader reader;
  reader.header_ = batch.header();
  if (batch.header().codec() == Codec::kNone) {
    reader.records_ = batch.records();
    return reader;
  }
  auto plain = decompress(batch.header().codec(), batch.records(), output_max);
  if (!plain) return tl::make_unexpected(std::move(plain).error());
  reader.owned_ = std::move(*plain);
  reader.records_ = reader.owned_;
  return reader;
}

Result<bool> RecordReader::next(RecordView& out) {
  if (seen_ == header_.record_count) {
    if (at_ != records_.size())
      return fail(Errc::kCorrupt, "bytes behind the last record of the batch");
    return false;
  }
  std::int64_t length = 0;
  const std::size_t begin = at_;
  if (!get_varint(records_, at_, length, 32) || length < 0 ||
      static_cast<std::uint64_t>(length) > records_.size() - at_) {
    return bad_record(seen_, "length reaches beyond the batch");
  }
  const ByteView body = records_.subspan(at_, static_cast<std::size_t>(length));
  std::size_t at = 1;  // attributes: no bit is in use
  std::int64_t timestamp_delta = 0;
  std::int64_t offset_delta = 0;
  std::int64_t header_count = 0;
  if (body.empty() || !get_varint(body, at, timestamp_delta) ||
      !get_varint(body, at, offset_delta, 32)) {
    return bad_record(seen_, "is cut short");
  }
  if (offset_delta <= last_delta_ || offset_delta > header_.last_offset_delta) {
    return bad_record(seen_, "offset delta is out of order");
  }
  if (!get_text(body, at, true, out.key) || !get_text(body, at, true, out.value) ||
      !get_varint(body, at, header_count, 32)) {
    return bad_record(seen_, "key, value or header count reaches beyond it");
  }
  // A header takes two bytes at least, so this bounds what is allocated.
  if (header_count < 0 || static_cast<std::uint64_t>(header_count) > (body.size() - at) / 2) {
    return bad_record(seen_, "header count is impossible");
  }
  headers_.resize(static_cast<std::size_t>(header_count));
  for (HeaderView& header : headers_) {
    std::optional<std::string_view> key;
    if (!get_text(body, at, false, key) || !get_text(body, at, true, header.value)) {
      return bad_record(seen_, "a header reaches beyond it");
    }
    header.key = *key;
  }
  if (at != body.size()) return bad_record(seen_, "has bytes left over");
  at_ += body.size();
  last_delta_ = offset_delta;
  out.offset = header_.base_offset + offset_delta;
  // Wraps instead of overflowing: the delta is hostile.
  out.timestamp_ms =
      header_.timestamp_type() == TimestampType::kLogAppend
          ? header_.max_timestamp_ms
          : static_cast<std::int64_t>(static_cast<std::uint64_t>(header_.base_timestamp_ms) +
                                      static_cast<std::uint64_t>(timestamp_delta));
  out.headers = headers_;
  out.size_bytes = at_ - begin;
  ++seen_;
  return true;
}

}  // namespace penstock::record
