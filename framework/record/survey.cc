#include "framework/record/survey.h"

#include <algorithm>
#include <string>

#include "framework/base/varint.h"

namespace penstock::record {
namespace {

/// Reads forward within bounds. After a failure everything that follows fails too, so it is asked
/// about once a record.
class Cursor {
 public:
  explicit Cursor(ByteView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] const std::byte* position() const { return at_; }
  [[nodiscard]] bool skip(std::size_t bytes) {
    if (bytes > left()) return false;
    at_ += bytes;
    return true;
  }
  [[nodiscard, gnu::always_inline]] bool varint(std::int64_t& out, unsigned bits = 32) {
    if (left() >= 2) [[likely]] {  // most are of one byte or two
      const auto low = std::to_integer<std::uint64_t>(at_[0]);
      const auto high = std::to_integer<std::uint64_t>(at_[1]);
      if (low < 0x80) {
        out = unzigzag(low);
        ++at_;
        return true;
      }
      if (high < 0x80) {
        out = unzigzag((low & 0x7F) | high << 7);
        at_ += 2;
        return true;
      }
    }
    const ByteView rest(at_, end_);
    std::size_t used = 0;
    if (!get_varint(rest, used, out, bits)) return false;
    at_ += used;
    return true;
  }
  /// A length and as many bytes. -1, for null, only where it may be.
  [[nodiscard, gnu::always_inline]] bool sized(bool nullable, bool& present) {
    std::int64_t length = 0;
    if (!varint(length)) return false;
    present = length >= 0;
    if (length < 0) return nullable && length == -1;
    return skip(static_cast<std::size_t>(length));
  }

 private:
  const std::byte* at_;
  const std::byte* end_;
};

/// What is wrong with the record at the cursor, nullptr when it is sound.
const char* walk(Cursor& cursor, std::int32_t index, std::int64_t& timestamp_delta, bool& keyed) {
  std::int64_t length = 0;
  if (!cursor.varint(length) || length < 0 || static_cast<std::uint64_t>(length) > cursor.left()) {
    return "length reaches beyond the batch";
  }
  const std::byte* const end = cursor.position() + length;
  std::int64_t offset_delta = 0;
  if (!cursor.skip(1) || !cursor.varint(timestamp_delta, 64) || !cursor.varint(offset_delta))
    return "is cut short";
  if (offset_delta != index) return "offset delta is out of order";
  bool has_value = false;
  std::int64_t headers = 0;
  if (!cursor.sized(true, keyed) || !cursor.sized(true, has_value) || !cursor.varint(headers)) {
    return "key, value or header count reaches beyond it";
  }
  if (headers < 0) return "header count is impossible";
  // A header takes two bytes at least, so a count that lies soon runs into the end.
  for (; headers > 0; --headers) {
    bool present = false;
    if (!cursor.sized(false, present) || !cursor.sized(true, present))
      return "a header reaches beyond it";
  }
  return cursor.position() == end ? nullptr : "does not end where its length says";
}

}  // namespace

Result<Survey> survey_records(const BatchHeader& header, ByteView plain) {
  Survey out;
  Cursor cursor(plain);
  for (std::int32_t i = 0; i < header.record_count; ++i) {
    std::int64_t delta = 0;
    bool keyed = false;
    if (const char* wrong = walk(cursor, i, delta, keyed)) {
      return fail(Errc::kCorrupt, "record " + std::to_string(i) + " of the batch: " + wrong);
    }
    // Wraps instead of overflowing: the delta is hostile.
    const auto time = static_cast<std::int64_t>(
        static_cast<std::uint64_t>(header.base_timestamp_ms) + static_cast<std::uint64_t>(delta));
    out.oldest_ms = i == 0 ? time : std::min(out.oldest_ms, time);
    out.newest_ms = i == 0 ? time : std::max(out.newest_ms, time);
    out.all_keyed = out.all_keyed && keyed;
  }
  if (cursor.left() != 0) return fail(Errc::kCorrupt, "bytes behind the last record of the batch");
  return out;
}

Result<Survey> survey_records(const BatchView& batch, std::size_t output_max) {
  const BatchHeader& header = batch.header();
  if (header.codec() == Codec::kNone) return survey_records(header, batch.records());
  PENSTOCK_ASSIGN_OR_RETURN(const auto plain,
                            decompress(header.codec(), batch.records(), output_max));
  return survey_records(header, plain);
}

}  // namespace penstock::record
