#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/topics.h"
#include "framework/base/bytes.h"
#include "framework/protocol/error_code.h"
#include "framework/record/batch.h"

namespace penstock::broker {

/// A record for which its batch is refused.
struct RecordFault {
  std::int32_t index = 0;  // in the batch
  std::string text;
};

struct BatchCheck {
  static constexpr std::size_t kFaultsMax = 100;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string text;
  std::vector<RecordFault> faults;       // the first of them, where single records are at fault
  record::BatchHeader header;            // sound when there is no error
  std::int64_t log_append_time_ms = -1;  // set when the topic uses log-append time
  std::vector<std::byte> recoded;  // to be stored instead, when the topic has a codec of its own
};

/// How much the batches of one produce request may come to when they are opened: a client chooses
/// how many bombs it sends, so a bound for each alone would be none for the shard that opens them.
class OpenedBytes {
 public:
  /// Of a request's bytes: more than producers gain by compression where it counts, in large ones.
  static constexpr std::size_t kTimes = 8;
  explicit OpenedBytes(std::size_t request_bytes)
      : left_(record::RecordReader::kOutputMaxDefault + kTimes * request_bytes) {}

  /// For the next batch.
  [[nodiscard]] std::size_t most() const {
    return std::min(left_, record::RecordReader::kOutputMaxDefault);
  }
  /// At most most().
  void spend(std::size_t bytes) { left_ -= bytes; }

 private:
  std::size_t left_;
};

/// Judges what a producer sent for one partition, on any thread: exactly one batch, sound structure
/// and CRC, sound records, limits of the topic. Changed in place: with log-append time the stamp,
/// else a max timestamp that is not that of the records. A topic with a codec of its own gets the
/// batch recompressed. Without `check_compressed`, compressed
/// batches are opened only for compacted topics, whose records need keys; elsewhere the CRC vouches
/// for them (docs/decisions/produce-validation.md). What it opens is taken from `opened`:
/// MESSAGE_TOO_LARGE when that is not enough.
BatchCheck check_batch(ByteSpan records, const TopicSettings& settings,
                       std::int16_t produce_version, std::int64_t now_ms, OpenedBytes& opened);

}  // namespace penstock::broker
