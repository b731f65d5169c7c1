#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/topics.h"
#include "framework/base/bytes.h"
#include "framework/protocol/error_code.h"
#include "framework/record/batch.h"

namespace penstock::broker {

struct BatchCheck {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string text;
  record::BatchHeader header;            // sound when there is no error
  std::int64_t log_append_time_ms = -1;  // set when the topic uses log-append time
  std::vector<std::byte> recoded;  // to be stored instead, when the topic has a codec of its own
};

/// Judges what a producer sent for one partition, on any thread: exactly one batch, sound structure
/// and CRC, sound records, limits of the topic. Changed in place: with log-append time the stamp,
/// else a max timestamp that is not that of the records. A topic with a codec of its own gets the
/// batch recompressed. Without `check_compressed`, compressed
/// batches are opened only for compacted topics, whose records need keys; elsewhere the CRC vouches
/// for them (docs/decisions/produce-validation.md).
BatchCheck check_batch(ByteSpan records, const TopicSettings& settings,
                       std::int16_t produce_version, std::int64_t now_ms);

}  // namespace penstock::broker
