#include "framework/record/recode.h"

#include <limits>

#include "framework/base/crc32c.h"

namespace penstock::record {

namespace {
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kAttributesAt = 21;
constexpr std::int16_t kCodecBits = 7;

/// The batch with `records`, which `codec` has compressed.
Result<std::vector<std::byte>> with_records(const BatchView& batch, Codec codec, ByteView records) {
  if (records.size() >
      static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) - kBatchHeaderBytes)
    return fail(Errc::kTooLarge, "the batch would be larger than its length can say");
  std::vector<std::byte> out(batch.bytes().begin(), batch.bytes().begin() + kBatchHeaderBytes);
  out.insert(out.end(), records.begin(), records.end());
  const auto kept = static_cast<std::int16_t>(batch.header().attributes & ~kCodecBits);
  store_be(out.data() + kAttributesAt,
           static_cast<std::int16_t>(kept | static_cast<std::int16_t>(codec)));
  store_be(out.data() + kLengthAt, static_cast<std::int32_t>(out.size() - kBatchOverheadBytes));
  store_be(out.data() + kCrcAt, crc32c(ByteView(out).subspan(kAttributesAt)));
  return out;
}

}  // namespace

Result<std::vector<std::byte>> with_codec(const BatchView& batch, Codec codec, ByteView plain) {
  if (codec == Codec::kNone) return with_records(batch, codec, plain);
  PENSTOCK_ASSIGN_OR_RETURN(const auto packed, compress(codec, plain));
  return with_records(batch, codec, packed);
}

Result<std::vector<std::byte>> with_codec(const BatchView& batch, Codec codec,
                                          std::size_t output_max) {
  const Codec before = batch.header().codec();
  if (before == codec) return with_records(batch, codec, batch.records());
  if (before == Codec::kNone) return with_codec(batch, codec, batch.records());
  PENSTOCK_ASSIGN_OR_RETURN(const auto plain, decompress(before, batch.records(), output_max));
  return with_codec(batch, codec, ByteView(plain));
}

}  // namespace penstock::record
