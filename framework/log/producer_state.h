#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/record/batch.h"

namespace penstock::log {

/// What an idempotent producer's batch is, compared with what was appended before (KIP-98;
/// protocol.md section 4.1).
enum class SequenceVerdict : std::uint8_t {
  kAppend,
  kDuplicate,   // one of the last five: answer with its offset, do not append
  kOutOfOrder,  // OUT_OF_ORDER_SEQUENCE_NUMBER
  kFenced,      // INVALID_PRODUCER_EPOCH
};

struct SequenceCheck {
  SequenceVerdict verdict = SequenceVerdict::kAppend;
  Offset duplicate_base_offset = Offset::kNone;
  Offset duplicate_last_offset = Offset::kNone;
  std::int64_t duplicate_timestamp_ms = -1;
};

/// Per partition: the last five batches of each producer id, and its open transaction. Owner shard
/// only. Pure: no I/O.
class ProducerState {
 public:
  static constexpr std::size_t kBatchesKept = 5;
  struct Batch {
    std::int32_t first_sequence = -1;
    std::int32_t last_sequence = -1;
    Offset last_offset = Offset::kNone;
    std::int32_t offset_delta = 0;
    std::int64_t timestamp_ms = -1;
  };
  struct Entry {
    ProducerEpoch epoch{-1};
    std::int32_t coordinator_epoch = -1;
    std::int64_t last_timestamp_ms = -1;
    std::int64_t idle_since_ms =
        -1;  // in memory only; -1: it appended since expire() was last called
    Offset transaction_first = Offset::kNone;  // kNone: none open
    std::vector<Batch> batches;                // oldest first, at most kBatchesKept
  };
  struct Aborted {  // one line of the transaction index
    ProducerId producer_id;
    Offset first;
    Offset last;
    Offset last_stable;
  };

  /// Judges a data batch before append; batches without a producer id give kAppend, and those
  /// without a sequence (a coordinator writes them) are judged by their epoch alone.
  [[nodiscard]] SequenceCheck check(const record::BatchHeader& header) const;
  /// Takes in an appended batch, control batches included (its marker type: 0 abort, 1 commit;
  /// nullopt for data). Returns the aborted transaction that an abort marker closed.
  std::optional<Aborted> appended(const record::BatchHeader& header,
                                  std::optional<std::int16_t> marker,
                                  std::int32_t coordinator_epoch);
  /// First offset of the oldest open transaction; kNone when there is none.
  [[nodiscard]] Offset first_unstable() const;
  /// Forgets producers without an open transaction that appended nothing for `expiration_ms`, by
  /// the wall clock: what their records' timestamps say does not matter (mirrored or historic
  /// events). Time counts from the first call after an append, and after a restart from the first
  /// call; call it every few minutes.
  void expire(std::int64_t now_ms, std::int64_t expiration_ms);
  void clear() {
    entries_.clear();
    open_.clear();
  }

  [[nodiscard]] const std::unordered_map<std::int64_t, Entry>& entries() const { return entries_; }

  /// Kafka's .snapshot file, version 1.
  [[nodiscard]] std::vector<std::byte> encode() const;
  [[nodiscard]] std::size_t encoded_bytes() const;
  Status decode(ByteView bytes);

 private:
  std::unordered_map<std::int64_t, Entry> entries_;
  std::map<std::int64_t, std::int64_t> open_;  // first offset -> producer id
};

}  // namespace penstock::log
