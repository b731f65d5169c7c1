#include "framework/record/batch.h"

#include <string>

#include "framework/base/assert.h"
#include "framework/base/crc32c.h"

namespace penstock::record {
namespace {

constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kEpochAt = 12;
constexpr std::size_t kMagicAt = 16;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::size_t kMaxTimestampAt = 35;
constexpr std::int32_t kBatchLengthMin =
    static_cast<std::int32_t>(kBatchHeaderBytes - kBatchOverheadBytes);
constexpr std::int16_t kLogAppendBit = 0x08;

BatchHeader load_header(const std::byte* at) {
  BatchHeader header;
  header.base_offset = Offset(load_be<std::int64_t>(at));
  header.batch_length = load_be<std::int32_t>(at + kLengthAt);
  header.leader_epoch = LeaderEpoch(load_be<std::int32_t>(at + kEpochAt));
  header.crc = load_be<std::uint32_t>(at + kCrcAt);
  header.attributes = load_be<std::int16_t>(at + kAttributesAt);
  header.last_offset_delta = load_be<std::int32_t>(at + 23);
  header.base_timestamp_ms = load_be<std::int64_t>(at + 27);
  header.max_timestamp_ms = load_be<std::int64_t>(at + kMaxTimestampAt);
  header.producer_id = ProducerId(load_be<std::int64_t>(at + 43));
  header.producer_epoch = ProducerEpoch(load_be<std::int16_t>(at + 51));
  header.base_sequence = load_be<std::int32_t>(at + 53);
  header.record_count = load_be<std::int32_t>(at + 57);
  return header;
}

}  // namespace

Result<BatchHeader> parse_header(ByteView bytes) {
  if (bytes.size() > kMagicAt) {
    const auto magic = static_cast<std::int8_t>(bytes[kMagicAt]);
    if (magic != kMagic) {
      return fail(Errc::kUnsupported,
                  "record batch of magic " + std::to_string(magic) + ", only 2 is supported");
    }
  }
  if (bytes.size() >= kLengthAt + 4) {
    const auto length = load_be<std::int32_t>(bytes.data() + kLengthAt);
    if (length < kBatchLengthMin) {
      return fail(Errc::kCorrupt,
                  "batch length " + std::to_string(length) + " is less than a header");
    }
  }
  if (bytes.size() < kBatchHeaderBytes) return fail(Errc::kOutOfRange, "batch header is cut short");
  const BatchHeader header = load_header(bytes.data());
  if ((header.attributes & 7) > static_cast<int>(Codec::kZstd)) {
    return fail(Errc::kUnsupported,
                "unknown compression codec " + std::to_string(header.attributes & 7));
  }
  if (header.record_count < 0 || header.last_offset_delta < 0) {
    return fail(Errc::kCorrupt, "negative record count or last offset delta");
  }
  if (header.base_offset.value < 0 ||
      header.base_offset.value > INT64_MAX - header.last_offset_delta - 1) {
    return fail(Errc::kCorrupt,
                "base offset " + std::to_string(header.base_offset.value) + " is no offset");
  }
  return header;
}

Result<BatchView> BatchView::parse(ByteView bytes) {
  auto header = parse_header(bytes);
  if (!header) return tl::make_unexpected(std::move(header).error());
  if (header->size_bytes() > bytes.size()) {
    return fail(Errc::kOutOfRange, "batch of " + std::to_string(header->size_bytes()) +
                                       " bytes is cut at " + std::to_string(bytes.size()));
  }
  BatchView view;
  view.header_ = *header;
  view.bytes_ = bytes.first(header->size_bytes());
  return view;
}

bool BatchView::crc_matches() const { return crc32c(bytes_.subspan(kAttributesAt)) == header_.crc; }

void set_base_offset_and_epoch(ByteSpan batch, Offset base_offset, LeaderEpoch epoch) {
  PENSTOCK_ASSERT(batch.size() >= kBatchHeaderBytes);
  store_be(batch.data(), base_offset.value);
  store_be(batch.data() + kEpochAt, epoch.value);
}

void set_log_append_time(ByteSpan batch, std::int64_t now_ms) {
  PENSTOCK_ASSERT(batch.size() >= kBatchHeaderBytes);
  const auto attributes = load_be<std::int16_t>(batch.data() + kAttributesAt);
  store_be(batch.data() + kAttributesAt, static_cast<std::int16_t>(attributes | kLogAppendBit));
  set_max_timestamp(batch, now_ms);
}

void set_max_timestamp(ByteSpan batch, std::int64_t max_timestamp_ms) {
  PENSTOCK_ASSERT(batch.size() >= kBatchHeaderBytes);
  store_be(batch.data() + kMaxTimestampAt, max_timestamp_ms);
  const auto length = load_be<std::int32_t>(batch.data() + kLengthAt);
  const auto size = static_cast<std::size_t>(length) + kBatchOverheadBytes;
  PENSTOCK_ASSERT(length >= kBatchLengthMin && size <= batch.size());
  store_be(batch.data() + kCrcAt, crc32c(batch.subspan(kAttributesAt, size - kAttributesAt)));
}

Result<std::optional<Marker>> read_marker(const BatchView& batch) {
  if (!batch.header().control()) return std::optional<Marker>();
  auto reader = RecordReader::open(batch);
  if (!reader) return tl::make_unexpected(std::move(reader).error());
  RecordView record;
  auto more = reader->next(record);
  if (!more) return tl::make_unexpected(std::move(more).error());
  if (!*more || !record.key || record.key->size() < 4)
    return fail(Errc::kCorrupt, "control batch without a control record");
  Marker marker;
  marker.type = load_be<std::int16_t>(as_bytes(*record.key).data() + 2);
  if (marker.type != 0 && marker.type != 1) return std::optional<Marker>();
  if (record.value && record.value->size() >= 6) {
    marker.coordinator_epoch = load_be<std::int32_t>(as_bytes(*record.value).data() + 2);
  }
  return std::optional<Marker>(marker);
}

}  // namespace penstock::record
