#include "framework/log/time_search.h"

#include <algorithm>

namespace penstock::log {

namespace {

/// What its producer made unreadable, and was taken as it came, is no damage of the disk.
template <class T>
Result<T> readable(Result<T> read) {
  if (!read && read.error().code == Errc::kCorrupt)
    return fail(Errc::kInvalid, "records that cannot be read: " + read.error().text);
  return read;
}

/// Records of the batch that the walker stands on, kept in `bytes`.
Result<record::RecordReader> records_at(const HeaderWalker& walker, const File& file,
                                        std::vector<std::byte>& bytes) {
  bytes.resize(walker.header().size_bytes());
  PENSTOCK_ASSIGN_OR_RETURN(const std::size_t got, file.read_at(walker.position(), bytes));
  PENSTOCK_ASSIGN_OR_RETURN(const auto batch, record::BatchView::parse(ByteView(bytes).first(got)));
  return readable(record::RecordReader::open(batch));
}

}  // namespace

Segment::Judge SearchTask::judge_of(const Piece& piece) const {
  Segment::Judge judge;
  judge.epochs = &epochs;
  judge.contiguous = contiguous;
  judge.next_segment = piece.next_segment;
  return judge;
}

Result<std::optional<TimestampOffset>> SearchTask::first_of(Piece& piece) {
  Segment& segment = *piece.twin;
  const std::int64_t wanted = *query.timestamp_ms;
  const Segment::Judge judge = judge_of(piece);
  PENSTOCK_ASSIGN_OR_RETURN(const Offset floor, segment.floor_of_time(wanted, judge));
  PENSTOCK_ASSIGN_OR_RETURN(const auto first, segment.find(std::max(start, floor), judge));
  if (!first) return std::optional<TimestampOffset>();
  PENSTOCK_ASSIGN_OR_RETURN(const auto file, segment.file());
  HeaderWalker walker(*file, first->at, segment.size());
  std::vector<std::byte> bytes;
  std::uint64_t next = first->at;
  while (next < segment.size()) {
    PENSTOCK_RETURN_IF_ERROR(segment.ensure_checked(next, next + 1, std::nullopt, judge));
    PENSTOCK_ASSIGN_OR_RETURN(const bool more_batches, walker.next());
    if (!more_batches) break;
    next = walker.behind();
    if (walker.header().base_offset >= query.below) break;
    if (walker.header().max_timestamp_ms < wanted) continue;
    PENSTOCK_ASSIGN_OR_RETURN(auto reader, records_at(walker, *file, bytes));
    record::RecordView record;
    while (true) {
      PENSTOCK_ASSIGN_OR_RETURN(const bool one, readable(reader.next(record)));
      if (!one) break;
      if (record.timestamp_ms < wanted || record.offset < start) continue;
      if (record.offset >= query.below) return std::optional<TimestampOffset>();
      return std::optional(
          TimestampOffset{record.timestamp_ms, record.offset, walker.header().leader_epoch});
    }
  }
  return std::optional<TimestampOffset>();
}

Result<std::optional<TimestampOffset>> SearchTask::newest_of(Piece& piece) {
  Segment& segment = *piece.twin;
  const Segment::Judge judge = judge_of(piece);
  const bool whole = segment.base() >= start && segment.max_timestamp_offset() < query.below;
  if (whole && segment.max_timestamp_offset() == Offset::kNone)
    return std::optional<TimestampOffset>();
  PENSTOCK_ASSIGN_OR_RETURN(const auto first, segment.find(whole ? segment.max_timestamp_offset()
                                                                 : std::max(start, segment.base()),
                                                           judge));
  if (!first) return std::optional<TimestampOffset>();
  PENSTOCK_ASSIGN_OR_RETURN(const auto file, segment.file());
  std::optional<TimestampOffset> best;
  HeaderWalker walker(*file, first->at, segment.size());
  std::vector<std::byte> bytes;
  std::uint64_t next = first->at;
  while (next < segment.size()) {
    PENSTOCK_RETURN_IF_ERROR(segment.ensure_checked(next, next + 1, std::nullopt, judge));
    PENSTOCK_ASSIGN_OR_RETURN(const bool more_batches, walker.next());
    if (!more_batches || walker.header().base_offset >= query.below) break;
    next = walker.behind();
    if (best && walker.header().max_timestamp_ms <= best->timestamp_ms) continue;
    PENSTOCK_ASSIGN_OR_RETURN(auto reader, records_at(walker, *file, bytes));
    record::RecordView record;
    while (true) {
      PENSTOCK_ASSIGN_OR_RETURN(const bool one, readable(reader.next(record)));
      if (!one) break;
      if (record.offset < start || record.offset >= query.below ||
          (best && record.timestamp_ms <= best->timestamp_ms))
        continue;
      best = TimestampOffset{record.timestamp_ms, record.offset, walker.header().leader_epoch};
    }
    if (whole) break;
  }
  return best;
}

Status SearchTask::run() {
  for (Piece& piece : pieces) {
    looked_at = piece.base;
    PENSTOCK_RETURN_IF_ERROR(piece.twin->check_times(judge_of(piece)));
    const std::int64_t newest = piece.twin->max_timestamp_ms();
    if (!query.timestamp_ms) {
      if (query.found && newest <= query.found->timestamp_ms) continue;
      PENSTOCK_ASSIGN_OR_RETURN(const auto found, newest_of(piece));
      if (found && (!query.found || found->timestamp_ms > query.found->timestamp_ms))
        query.found = found;
      continue;
    }
    if (newest < *query.timestamp_ms) continue;
    PENSTOCK_ASSIGN_OR_RETURN(query.found, first_of(piece));
    if (query.found) break;
  }
  return {};
}

}  // namespace penstock::log
