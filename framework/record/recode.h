#pragma once

#include <cstddef>
#include <vector>

#include "framework/base/error.h"
#include "framework/record/batch.h"

namespace penstock::record {

/// The same batch with its records compressed by `codec`: nothing but codec, length and CRC
/// differs, offsets and the producer's sequence stay. Decompresses at most `output_max` bytes.
/// Errors: kCorrupt, kTooLarge, kUnsupported, kUnavailable.
Result<std::vector<std::byte>> with_codec(const BatchView& batch, Codec codec,
                                          std::size_t output_max = RecordReader::kOutputMaxDefault);
/// As above, for who has the batch's records decompressed already: `plain`.
Result<std::vector<std::byte>> with_codec(const BatchView& batch, Codec codec, ByteView plain);

}  // namespace penstock::record
