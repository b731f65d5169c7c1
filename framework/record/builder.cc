#include <algorithm>
#include <cstring>

#include "framework/base/assert.h"
#include "framework/base/crc32c.h"
#include "framework/base/varint.h"
#include "framework/record/batch.h"

namespace penstock::record {
namespace {

std::size_t text_size(std::optional<std::string_view> text) {
  return text ? varint_size(static_cast<std::int64_t>(text->size())) + text->size()
              : varint_size(-1);
}

std::byte* put_text(std::byte* to, std::optional<std::string_view> text) {
  if (!text) return put_varint(to, -1);
  to = put_varint(to, static_cast<std::int64_t>(text->size()));
  if (!text->empty()) std::memcpy(to, text->data(), text->size());
  return to + text->size();
}

std::int16_t attributes_of(const BatchBuilder::Options& options, Codec codec) {
  auto attributes = static_cast<unsigned>(codec);
  if (options.transactional) attributes |= 0x10U;
  if (options.control) attributes |= 0x20U;
  if (options.delete_horizon_ms) attributes |= 0x40U;
  return static_cast<std::int16_t>(attributes);
}

}  // namespace

BatchBuilder::BatchBuilder(Options options) : options_(options) {}

void BatchBuilder::add(std::int64_t timestamp_ms, std::optional<std::string_view> key,
                       std::optional<std::string_view> value, std::span<const HeaderView> headers) {
  add_at(last_delta_ + 1, timestamp_ms, key, value, headers);
}

void BatchBuilder::add_at(std::int32_t offset_delta, std::int64_t timestamp_ms,
                          std::optional<std::string_view> key,
                          std::optional<std::string_view> value,
                          std::span<const HeaderView> headers) {
  PENSTOCK_ASSERT(offset_delta > last_delta_);
  if (count_ == 0) {
    base_timestamp_ms_ = options_.delete_horizon_ms.value_or(timestamp_ms);
    max_timestamp_ms_ = timestamp_ms;
    records_.resize(kBatchHeaderBytes);
  }
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  // Wraps, as the reader does.
  const auto timestamp_delta = static_cast<std::int64_t>(
      static_cast<std::uint64_t>(timestamp_ms) - static_cast<std::uint64_t>(base_timestamp_ms_));
  std::size_t body = 1 + varint_size(timestamp_delta) + varint_size(offset_delta) + text_size(key) +
                     text_size(value) + varint_size(static_cast<std::int64_t>(headers.size()));
  for (const HeaderView& header : headers) body += text_size(header.key) + text_size(header.value);

  const std::size_t before = records_.size();
  records_.resize(before + varint_size(static_cast<std::int64_t>(body)) + body);
  std::byte* to = put_varint(records_.data() + before, static_cast<std::int64_t>(body));
  *to++ = std::byte{0};
  to = put_varint(to, timestamp_delta);
  to = put_varint(to, offset_delta);
  to = put_text(to, key);
  to = put_text(to, value);
  to = put_varint(to, static_cast<std::int64_t>(headers.size()));
  for (const HeaderView& header : headers) to = put_text(put_text(to, header.key), header.value);
  PENSTOCK_ASSERT(to == records_.data() + records_.size());
  last_delta_ = offset_delta;
  ++count_;
}

std::vector<std::byte> BatchBuilder::finish(Offset base_offset) {
  PENSTOCK_ASSERT(count_ > 0);
  Codec codec = options_.codec;
  if (codec != Codec::kNone) {
    auto packed = compress(codec, ByteView(records_).subspan(kBatchHeaderBytes));
    if (packed) {
      records_.resize(kBatchHeaderBytes);
      records_.insert(records_.end(), packed->begin(), packed->end());
    } else {
      codec = Codec::kNone;
    }
  }
  std::byte* at = records_.data();
  store_be(at, base_offset.value);
  store_be(at + 8, static_cast<std::int32_t>(records_.size() - kBatchOverheadBytes));
  store_be(at + 12, options_.leader_epoch.value);
  store_be(at + 16, kMagic);
  store_be(at + 21, attributes_of(options_, codec));
  store_be(at + 23, last_delta_);
  store_be(at + 27, base_timestamp_ms_);
  store_be(at + 35, max_timestamp_ms_);
  store_be(at + 43, options_.producer_id.value);
  store_be(at + 51, options_.producer_epoch.value);
  store_be(at + 53, options_.base_sequence);
  store_be(at + 57, static_cast<std::int32_t>(count_));
  store_be(at + 17, crc32c(ByteView(records_).subspan(21)));

  std::vector<std::byte> out = std::move(records_);
  records_ = {};
  count_ = 0;
  last_delta_ = -1;
  base_timestamp_ms_ = -1;
  max_timestamp_ms_ = -1;
  return out;
}

std::vector<std::byte> BatchBuilder::finish_as(const BatchHeader& original) {
  const Codec codec = options_.codec;
  std::vector<std::byte> out = finish(original.base_offset);
  store_be(out.data() + 23, original.last_offset_delta);
  if (original.timestamp_type() == TimestampType::kLogAppend) {
    set_log_append_time(out, original.max_timestamp_ms);
  } else {
    store_be(out.data() + 17, crc32c(ByteView(out).subspan(21)));
  }
  PENSTOCK_ASSERT(codec == original.codec());
  return out;
}

std::vector<std::byte> empty_batch(const BatchHeader& original) {
  std::vector<std::byte> out(kBatchHeaderBytes);
  std::byte* at = out.data();
  constexpr std::int16_t kKeptBits = 0x38;  // timestamp type, transactional, control
  store_be(at, original.base_offset.value);
  store_be(at + 8, static_cast<std::int32_t>(kBatchHeaderBytes - kBatchOverheadBytes));
  store_be(at + 12, original.leader_epoch.value);
  store_be(at + 16, kMagic);
  store_be(at + 21, static_cast<std::int16_t>(original.attributes & kKeptBits));
  store_be(at + 23, original.last_offset_delta);
  store_be(at + 27, std::int64_t{-1});
  store_be(at + 35, original.max_timestamp_ms);
  store_be(at + 43, original.producer_id.value);
  store_be(at + 51, original.producer_epoch.value);
  store_be(at + 53, original.base_sequence);
  store_be(at + 57, std::int32_t{0});
  store_be(at + 17, crc32c(ByteView(out).subspan(21)));
  return out;
}

}  // namespace penstock::record
