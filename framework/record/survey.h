#pragma once

#include <cstdint>

#include "framework/base/bytes.h"
#include "framework/base/error.h"
#include "framework/record/batch.h"

namespace penstock::record {

/// What a walk over the records of a batch found.
struct Survey {
  std::int64_t oldest_ms = 0;  // of the timestamps as a consumer computes them for create time
  std::int64_t newest_ms = 0;
  bool all_keyed = true;
};

/// Walks `plain`, the records of a batch as they are without compression, and checks all that a
/// consumer relies on: every length, offset deltas 0, 1, 2 and so on, as many records as the header
/// counts, and nothing behind the last. Allocates nothing. Hostile bytes are fine. For what
/// producers send: a compacted batch has gaps and does not pass. Errors: kCorrupt.
Result<Survey> survey_records(const BatchHeader& header, ByteView plain);
/// As above for a whole batch, decompressing at most `output_max` bytes. Errors: also kTooLarge,
/// kUnsupported, kUnavailable.
Result<Survey> survey_records(const BatchView& batch,
                              std::size_t output_max = RecordReader::kOutputMaxDefault);

}  // namespace penstock::record
