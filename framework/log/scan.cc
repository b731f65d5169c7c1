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

// Whether a batch at `base` may come where `next` is the next offset.
bool follows(Offset base, Offset next, bool contiguous) {
  return contiguous ? base == next : base >= next;
}

// What is wrong with a whole batch, beyond its structure.
std::optional<std::string> judge(const record::BatchView& batch, const ScanRange& range,
                                 std::optional<Offset> expected) {
  const record::BatchHeader& header = batch.header();
  if (!batch.crc_matches())
    return "CRC of the batch at offset " + std::to_string(header.base_offset.value) +
           " does not match";
  if (expected && !follows(header.base_offset, *expected, range.contiguous)) {
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

// Whether the header is one that the log's only writer can have put here.
bool continues_the_log(const record::BatchHeader& header, const ScanRange& range,
                       std::optional<Offset> expected) {
  if (expected && !follows(header.base_offset, *expected, range.contiguous)) return false;
  const auto epoch = range.epochs != nullptr ? range.epochs->at(header.base_offset) : std::nullopt;
  return !epoch || *epoch == header.leader_epoch;
}

// True when sound batches lie behind each other from `at` to the very end of `bytes`.
bool sound_to_the_end(ByteView bytes, std::size_t at, Offset next, bool contiguous) {
  while (at < bytes.size()) {
    const auto batch = record::BatchView::parse(bytes.subspan(at));
    if (!batch || !follows(batch->header().base_offset, next, contiguous) || !batch->crc_matches())
      return false;
    next = batch->header().last_offset() + 1;
    at += batch->header().size_bytes();
  }
  return true;
}

// True when what begins at `position` is nothing but the front part of the batch that was being
// written: its header continues the log, its length reaches beyond the end of the file, and it is
// not its length that is wrong. The length is wrong when the bytes up to some place make a whole
// batch under the CRC, which does not cover the length; or when the following batches are all
// there, up to the end of the file. A record's value may hold sound batches too: those neither fit
// the CRC nor go on to the end with the offsets that would come next.
Result<bool> is_incomplete_write(const File& file, std::uint64_t position, const ScanRange& range,
                                 std::optional<Offset> expected) {
  const std::uint64_t left = range.file_size - position;
  Window window(file, range.file_size, left);
  PENSTOCK_ASSIGN_OR_RETURN(const ByteView head, window.at(position, record::kBatchHeaderBytes));
  const auto header = record::parse_header(head);
  if (!header) {
    const bool offset_fits = head.size() < sizeof(std::int64_t) || !expected || !range.contiguous ||
                             load_be<std::int64_t>(head.data()) == expected->value;
    return header.error().code == Errc::kOutOfRange && offset_fits;
  }
  if (header->size_bytes() <= left || !continues_the_log(*header, range, expected)) return false;
  PENSTOCK_ASSIGN_OR_RETURN(const ByteView rest,
                            window.at(position, static_cast<std::size_t>(left)));
  std::uint32_t crc = 0;
  std::size_t covered = kCrcFrom;
  const auto crc_up_to = [&](std::size_t to) {
    crc = crc32c_extend(crc, rest.subspan(covered, to - covered));
    covered = to;
    return crc;
  };
  const Offset next = header->last_offset() + 1;
  for (std::size_t at = record::kBatchHeaderBytes;
       at + record::kBatchHeaderBytes <= rest.size() && at < kResyncBytesMax; ++at) {
    if (rest[at + kMagicAt] != std::byte{record::kMagic}) continue;
    const Offset base(load_be<std::int64_t>(rest.data() + at));
    if (!follows(base, next, range.contiguous)) continue;
    if (crc_up_to(at) == header->crc || sound_to_the_end(rest, at, next, range.contiguous))
      return false;
  }
  return crc_up_to(rest.size()) != header->crc;
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
                                  is_incomplete_write(file, result.position, range, expected));
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
