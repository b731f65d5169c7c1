#include "framework/log/scan.h"

#include <algorithm>
#include <vector>

#include "framework/base/crc32c.h"

namespace penstock::log {
namespace {

constexpr std::size_t kWindowBytesMin = 8U << 10;
constexpr std::size_t kWindowBytesMax = 256U << 10;
constexpr std::size_t kCrcFrom = 21;
constexpr std::size_t kMagicAt = 16;
// The search behind damage is quadratic in the worst case; this bounds it.
constexpr std::uint64_t kResyncBytesMax = 64U << 20;

/// A piece of the file in memory; slides forward and grows for a batch that is larger.
class Window {
 public:
  Window(const File& file, std::uint64_t file_size, std::uint64_t wanted)
      : file_(file),
        size_(file_size),
        step_(static_cast<std::size_t>(
            std::clamp<std::uint64_t>(wanted, kWindowBytesMin, kWindowBytesMax))) {}

  /// The bytes from `position` on, at least `want` of them unless the file ends before.
  Result<ByteView> at(std::uint64_t position, std::size_t want) {
    const std::uint64_t left = size_ - position;
    want = static_cast<std::size_t>(std::min<std::uint64_t>(want, left));
    if (position < from_ || position + want > from_ + filled_) {
      const auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max(want, step_)));
      if (buffer_.size() < length) buffer_.resize(length);
      PENSTOCK_ASSIGN_OR_RETURN(filled_, file_.read_at(position, ByteSpan(buffer_).first(length)));
      from_ = position;
    }
    const auto skip = static_cast<std::size_t>(position - from_);
    return ByteView(buffer_).subspan(skip, filled_ - skip);
  }

 private:
  const File& file_;
  std::uint64_t size_;
  std::size_t step_;
  std::uint64_t from_ = 0;
  std::size_t filled_ = 0;
  std::vector<std::byte> buffer_;
};

Error damage_at(const File& file, std::uint64_t position, const std::string& what) {
  return Error{Errc::kCorrupt, file.path() + " at byte " + std::to_string(position) + ": " + what};
}

// What is wrong with a whole batch, beyond its structure.
std::optional<std::string> judge(const record::BatchView& batch, const ScanRange& range,
                                 std::optional<Offset> expected) {
  const record::BatchHeader& header = batch.header();
  if (!batch.crc_matches())
    return "CRC of the batch at offset " + std::to_string(header.base_offset.value) +
           " does not match";
  if (expected &&
      (range.contiguous ? header.base_offset != *expected : header.base_offset < *expected)) {
    return "batch has base offset " + std::to_string(header.base_offset.value) + " where " +
           std::to_string(expected->value) + " was expected";
  }
  if (range.epochs != nullptr) {
    const auto epoch = range.epochs->at(header.base_offset);
    if (epoch && *epoch != header.leader_epoch) {
      return "batch at offset " + std::to_string(header.base_offset.value) + " has leader epoch " +
             std::to_string(header.leader_epoch.value) + " where leader-epoch-checkpoint says " +
             std::to_string(epoch->value);
    }
  }
  return std::nullopt;
}

bool sound_batch_at(ByteView bytes) {
  const auto batch = record::BatchView::parse(bytes);
  return batch && batch->header().record_count > 0 && batch->crc_matches();
}

// True when what begins at `position` is nothing but the front part of one batch: its length
// reaches beyond the end of the file, the bytes that are there do not make a whole batch under the
// CRC, and no whole batch follows.
Result<bool> is_incomplete_write(const File& file, std::uint64_t position,
                                 std::uint64_t file_size) {
  Window window(file, file_size, file_size - position);
  PENSTOCK_ASSIGN_OR_RETURN(const ByteView head, window.at(position, record::kBatchHeaderBytes));
  const auto header = record::parse_header(head);
  if (!header) return header.error().code == Errc::kOutOfRange;
  const std::uint64_t left = file_size - position;
  if (header->size_bytes() <= left) return false;
  PENSTOCK_ASSIGN_OR_RETURN(const ByteView rest,
                            window.at(position, static_cast<std::size_t>(left)));
  if (crc32c(rest.subspan(kCrcFrom)) == header->crc) return false;
  for (std::size_t at = 1; at + record::kBatchHeaderBytes <= rest.size() && at < kResyncBytesMax;
       ++at) {
    if (rest[at + kMagicAt] == std::byte{record::kMagic} && sound_batch_at(rest.subspan(at)))
      return false;
  }
  return true;
}

}  // namespace

Result<ScanResult> scan_batches(const File& file, const ScanRange& range, const BatchSink& sink) {
  ScanResult result;
  result.position = range.begin;
  std::optional<Offset> expected = range.expected;
  if (expected) result.next = *expected;
  Window window(file, range.file_size, range.end > range.begin ? range.end - range.begin : 0);
  while (result.position < range.end && result.position < range.file_size) {
    PENSTOCK_ASSIGN_OR_RETURN(ByteView bytes,
                              window.at(result.position, record::kBatchHeaderBytes));
    const auto header = record::parse_header(bytes);
    if (header && header->size_bytes() <= range.file_size - result.position) {
      PENSTOCK_ASSIGN_OR_RETURN(bytes, window.at(result.position, header->size_bytes()));
    }
    const auto batch = record::BatchView::parse(bytes);
    std::optional<std::string> wrong;
    if (!batch) {
      wrong = batch.error().text;
    } else {
      wrong = judge(*batch, range, expected);
    }
    if (wrong) {
      result.damage = damage_at(file, result.position, *wrong);
      if (!batch && batch.error().code == Errc::kOutOfRange) {
        PENSTOCK_ASSIGN_OR_RETURN(result.incomplete,
                                  is_incomplete_write(file, result.position, range.file_size));
      }
      return result;
    }
    if (sink) sink(*batch, result.position);
    result.position += batch->header().size_bytes();
    result.next = batch->header().last_offset() + 1;
    expected = result.next;
    ++result.batches;
  }
  return result;
}

Result<std::int64_t> count_whole_batches(const File& file, std::uint64_t begin,
                                         std::uint64_t file_size) {
  Window window(file, file_size, file_size - begin);
  std::int64_t count = 0;
  std::uint64_t at = begin;
  const std::uint64_t stop = std::min(file_size, begin + kResyncBytesMax);
  while (at + record::kBatchHeaderBytes <= stop) {
    PENSTOCK_ASSIGN_OR_RETURN(ByteView bytes, window.at(at, record::kBatchHeaderBytes));
    const auto header = record::parse_header(bytes);
    if (header && header->size_bytes() <= file_size - at) {
      PENSTOCK_ASSIGN_OR_RETURN(bytes, window.at(at, header->size_bytes()));
      if (sound_batch_at(bytes)) {
        ++count;
        at += header->size_bytes();
        continue;
      }
    }
    ++at;
  }
  return count;
}

}  // namespace penstock::log
