#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/error.h"
#include "framework/base/ids.h"

// Record batch v2 (magic 2), the format of the wire and of the disk alike. One codec for both.
namespace penstock::record {

inline constexpr std::size_t kBatchHeaderBytes = 61;  // up to and with the record count
inline constexpr std::size_t kBatchOverheadBytes =
    12;  // base offset and batch length, not counted by batch length
inline constexpr std::int8_t kMagic = 2;

enum class Codec : std::uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };
enum class TimestampType : std::uint8_t { kCreate = 0, kLogAppend = 1 };

/// The 61 bytes of a batch header as numbers.
struct BatchHeader {
  Offset base_offset;
  std::int32_t batch_length = 0;  // bytes behind this field
  LeaderEpoch leader_epoch;
  std::uint32_t crc = 0;
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp_ms = -1;
  std::int64_t max_timestamp_ms = -1;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};
  std::int32_t base_sequence = -1;
  std::int32_t record_count = 0;

  [[nodiscard]] Codec codec() const { return static_cast<Codec>(attributes & 7); }
  [[nodiscard]] TimestampType timestamp_type() const {
    return static_cast<TimestampType>((attributes >> 3) & 1);
  }
  [[nodiscard]] bool transactional() const { return (attributes & 0x10) != 0; }
  [[nodiscard]] bool control() const { return (attributes & 0x20) != 0; }
  [[nodiscard]] bool has_delete_horizon() const { return (attributes & 0x40) != 0; }
  [[nodiscard]] Offset last_offset() const { return base_offset + last_offset_delta; }
  [[nodiscard]] std::size_t size_bytes() const {
    return kBatchOverheadBytes + static_cast<std::size_t>(batch_length);
  }
};

/// The header at the front of `bytes`, which may end anywhere behind it. Checks what a header alone
/// can tell: length, magic, codec, counts and deltas. Errors: kOutOfRange when fewer than
/// kBatchHeaderBytes are there; kUnsupported; kCorrupt.
Result<BatchHeader> parse_header(ByteView bytes);

/// One whole batch in memory that somebody else keeps alive. Made only by parse(), so its structure
/// is known to be sound.
class BatchView {
 public:
  /// Reads the batch at the front of `bytes`; more may follow it. Checks structure only (length
  /// within `bytes` and at least a header, magic 2, known codec, counts and deltas not negative);
  /// not the CRC. Errors: kOutOfRange when `bytes` ends before the batch does (torn or cut);
  /// kUnsupported for another magic or codec; kCorrupt otherwise.
  static Result<BatchView> parse(ByteView bytes);

  [[nodiscard]] const BatchHeader& header() const { return header_; }
  [[nodiscard]] ByteView bytes() const { return bytes_; }  // exactly this batch
  [[nodiscard]] ByteView records() const {
    return bytes_.subspan(kBatchHeaderBytes);
  }  // as stored, maybe compressed
  /// CRC-32C over everything from the attributes on.
  [[nodiscard]] bool crc_matches() const;

 private:
  BatchHeader header_;
  ByteView bytes_;
};

/// Rewrites base offset and leader epoch in place; both lie outside the CRC.
void set_base_offset_and_epoch(ByteSpan batch, Offset base_offset, LeaderEpoch epoch);
/// Log-append time: sets the attribute bit and max timestamp, and the CRC anew.
void set_log_append_time(ByteSpan batch, std::int64_t now_ms);
/// Sets max timestamp, and the CRC anew.
void set_max_timestamp(ByteSpan batch, std::int64_t max_timestamp_ms);

struct HeaderView {
  std::string_view key;
  std::optional<std::string_view> value;
};
/// Views into the batch or into the reader's buffer: good until the next call of next().
struct RecordView {
  Offset offset;
  std::int64_t timestamp_ms = -1;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::span<const HeaderView> headers;
  std::size_t size_bytes = 0;  // of the record as encoded
};

/// Walks the records of a batch, decompressing at most `output_max` bytes in all. Hostile bytes are
/// fine.
class RecordReader {
 public:
  static constexpr std::size_t kOutputMaxDefault = std::size_t{128} << 20;
  /// Decompresses if needed. Errors: kCorrupt; kTooLarge when the output would pass the cap;
  /// kUnsupported.
  static Result<RecordReader> open(const BatchView& batch,
                                   std::size_t output_max = kOutputMaxDefault);
  /// False at the end. Errors: kCorrupt (a record reaches beyond the batch, deltas out of order,
  /// bytes left over, wrong count).
  Result<bool> next(RecordView& out);

  RecordReader(RecordReader&&) =
      default;  // `records_` may point into `owned_`: moved with it, never copied
  RecordReader& operator=(RecordReader&&) = default;
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

 private:
  RecordReader() = default;

  BatchHeader header_;
  std::vector<std::byte> owned_;
  ByteView records_;
  std::size_t at_ = 0;
  std::int32_t seen_ = 0;
  std::int64_t last_delta_ = -1;
  std::vector<HeaderView> headers_;
};

/// Writes one batch. Offsets start at 0: the log sets the base offset on append. Not thread-safe.
class BatchBuilder {
 public:
  struct Options {
    Codec codec = Codec::kNone;
    ProducerId producer_id{-1};
    ProducerEpoch producer_epoch{-1};
    std::int32_t base_sequence = -1;
    bool transactional = false;
    bool control = false;
    LeaderEpoch leader_epoch{-1};
    std::optional<std::int64_t>
        delete_horizon_ms;  // from when on tombstones may go; stored as the base timestamp
  };
  BatchBuilder() : BatchBuilder(Options()) {}
  explicit BatchBuilder(Options options);
  /// Room for `bytes` of records, so that add() need not grow.
  void reserve(std::size_t bytes) { records_.reserve(kBatchHeaderBytes + bytes); }
  void add(std::int64_t timestamp_ms, std::optional<std::string_view> key,
           std::optional<std::string_view> value, std::span<const HeaderView> headers = {});
  /// As add(), but at a given distance from the base offset (compaction keeps gaps). Deltas must
  /// rise.
  void add_at(std::int32_t offset_delta, std::int64_t timestamp_ms,
              std::optional<std::string_view> key, std::optional<std::string_view> value,
              std::span<const HeaderView> headers = {});
  [[nodiscard]] std::size_t count() const { return count_; }
  /// Before compression.
  [[nodiscard]] std::size_t size_bytes() const {
    return records_.empty() ? kBatchHeaderBytes : records_.size();
  }
  /// The whole batch with its CRC; the builder is empty afterwards. At least one record. A codec
  /// that fails (no memory) leaves the batch uncompressed, which every reader takes.
  std::vector<std::byte> finish(Offset base_offset = Offset(0));
  /// As finish(), for what compaction kept of `original`: its base and last offset and its kind of
  /// timestamps.
  std::vector<std::byte> finish_as(const BatchHeader& original);

 private:
  Options options_;
  std::vector<std::byte>
      records_;  // room for the header first, so that an uncompressed batch is not copied
  std::size_t count_ = 0;
  std::int32_t last_delta_ = -1;
  std::int64_t base_timestamp_ms_ = -1;
  std::int64_t max_timestamp_ms_ = -1;
};

/// Only the header of `original`, without records: keeps its offsets and its producer's sequence.
std::vector<std::byte> empty_batch(const BatchHeader& original);

/// What a transaction marker (control batch) says. nullopt for data and for control records that
/// are not markers.
struct Marker {
  std::int16_t type = 0;  // 0 abort, 1 commit
  std::int32_t coordinator_epoch = -1;
};
Result<std::optional<Marker>> read_marker(const BatchView& batch);

/// snappy is read raw and xerial-framed and written xerial-framed, lz4 is the frame format, as
/// Kafka's clients do. Errors: kCorrupt, kTooLarge beyond `output_max`, kUnsupported.
Result<std::vector<std::byte>> decompress(Codec codec, ByteView from, std::size_t output_max);
Result<std::vector<std::byte>> compress(Codec codec, ByteView from);

}  // namespace penstock::record
