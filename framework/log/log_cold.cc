#include <algorithm>

#include "framework/log/log_impl.h"

namespace penstock::log {

/// What a read looks at in a loaded segment and nobody has checked yet.
std::vector<Segment::Span> LogImpl::cold_spans(std::size_t index, Offset from,
                                               std::uint64_t bytes_max, Offset below) const {
  const Segment& segment = *segments_[index];
  std::vector<Segment::Span> result;
  const Segment::Span first = segment.span_of(from, bytes_max);
  if (!segment.is_checked(first)) result.push_back(first);
  if (below >= next_base(index)) return result;
  const Segment::Span last = segment.span_of(below, 0);
  if (!segment.is_checked(last)) result.push_back(last);
  return result;
}

std::optional<std::size_t> LogImpl::still_there(const Segment& twin, std::uint64_t generation,
                                                std::uint64_t layout) const {
  if (generation != generation_ || layout != layout_) return std::nullopt;
  const std::size_t index = segment_of(twin.base());
  return segments_[index]->base() == twin.base() ? std::optional(index) : std::nullopt;
}

std::optional<ColdTask> LogImpl::begin_cold(Offset from, std::uint64_t bytes_max, Offset below) {
  below = std::min(below, end_);
  if (from < start_ || from >= below) return std::nullopt;
  std::size_t index = segment_of(from);
  // Compaction may have left nothing of a segment but its place.
  while (index + 1 < segments_.size() && segments_[index]->size() == 0) ++index;
  const Segment& segment = *segments_[index];
  if (segment.size() == 0) return std::nullopt;
  ColdTask task;
  if (segment.is_loaded()) {
    task.spans = cold_spans(index, from, bytes_max, below);
    if (task.spans.empty()) return std::nullopt;
  }
  task.twin = segment.twin(false);
  task.from = from;
  task.bytes_max = bytes_max;
  if (below < next_base(index)) task.below = below;
  if (index + 1 < segments_.size()) task.next_segment = next_base(index);
  task.contiguous = contiguous();
  task.epochs = epochs_;
  task.generation = generation_;
  task.layout = layout_;
  return task;
}

void LogImpl::apply_cold(ColdTask& task, const Status& ran) {
  const auto index = still_there(*task.twin, task.generation, task.layout);
  if (!index) return;
  if (auto adopted = segments_[*index]->adopt(*task.twin); !adopted) set_offline(adopted.error());
  keep_few_files_open(*index);
  if (!ran) note_damage(*index, ran.error());
}

std::optional<Error> LogImpl::missing_end(Offset base) {
  const std::size_t index = segment_of(base);
  const Segment& segment = *segments_[index];
  if (segment.base() != base) return std::nullopt;
  const std::string path = segment.path(".log");
  const auto status = system_.status(path);
  if (status && status->size >= segment.size()) return std::nullopt;
  Error error{Errc::kCorrupt, path +
                                  (status ? " ends at byte " + std::to_string(status->size)
                                          : std::string(" is not there")) +
                                  ", but the segment has " + std::to_string(segment.size()) +
                                  " bytes"};
  note_damage(index, error);
  return error;
}

std::optional<SearchTask> LogImpl::begin_search(const TimeQuery& query) {
  SearchTask task;
  task.query = query;
  const Offset below = std::min(query.below, end_);
  const auto whole = [&](std::size_t i) {
    return segments_[i]->base() >= start_ && next_base(i) <= below;
  };
  // No record is newer than the newest one for certain, so much is known already.
  std::optional<std::int64_t> certain;
  if (query.found) certain = query.found->timestamp_ms + 1;
  // A compacted log may keep a batch's header without its records.
  const bool headers_hold = !query.timestamp_ms && contiguous();
  for (std::size_t i = segment_of(start_); headers_hold && i < segments_.size(); ++i) {
    const auto newest = segments_[i]->known_newest_ms();
    if (newest && whole(i)) certain = std::max(certain.value_or(*newest), *newest);
  }
  for (std::size_t i = segment_of(std::max(start_, query.from));
       i < segments_.size() && segments_[i]->base() < below; ++i) {
    const Segment& segment = *segments_[i];
    const auto newest = segment.known_newest_ms();
    if (segment.size() == 0) continue;
    if (newest && query.timestamp_ms && *newest < *query.timestamp_ms) continue;
    if (newest && !query.timestamp_ms && certain && *newest < *certain) continue;
    if (task.pieces.size() == SearchTask::kPiecesMax) {
      task.more = true;
      break;
    }
    SearchTask::Piece piece;
    piece.base = segment.base();
    piece.next = next_base(i);
    if (i + 1 < segments_.size()) piece.next_segment = piece.next;
    piece.twin = segment.twin(true);
    task.pieces.push_back(std::move(piece));
    // It is in there, unless the batch's header promises more than its records hold.
    if (newest && query.timestamp_ms && whole(i) && i + 1 < segments_.size()) {
      task.more = true;
      break;
    }
  }
  if (task.pieces.empty()) return std::nullopt;
  task.query.below = below;
  task.start = start_;
  task.contiguous = contiguous();
  task.epochs = epochs_;
  task.generation = generation_;
  task.layout = layout_;
  return task;
}

Result<bool> LogImpl::apply_search(SearchTask& task, const Status& ran) {
  TimeQuery& query = task.query;
  bool changed = query.found && query.found->offset < start_;
  for (SearchTask::Piece& piece : task.pieces) {
    const auto index = still_there(*piece.twin, task.generation, task.layout);
    changed = changed || !index;
    if (!index) continue;
    PENSTOCK_RETURN_IF_ERROR(segments_[*index]->adopt(*piece.twin));
    keep_few_files_open(*index);
  }
  if (changed) {
    query.from = Offset::kNone;
    query.found.reset();
    if (++query.restarts > SearchTask::kRestartsMax)
      return fail(Errc::kBusy, directory_ + " changes too often to be searched");
    return false;
  }
  if (!ran) {
    note_damage(segment_of(task.looked_at), ran.error());
    return tl::make_unexpected(ran.error());
  }
  query.from = task.pieces.back().next;
  return !task.more || (query.timestamp_ms && query.found);
}

Result<std::optional<TimestampOffset>> LogImpl::search_now(TimeQuery query) {
  while (auto task = begin_search(query)) {
    const Status ran = task->run();
    PENSTOCK_ASSIGN_OR_RETURN(const bool done, apply_search(*task, ran));
    query = task->query;
    if (done) break;
  }
  return query.found;
}

Result<std::optional<TimestampOffset>> LogImpl::find_timestamp(std::int64_t timestamp_ms,
                                                               Offset below) {
  TimeQuery query;
  query.timestamp_ms = timestamp_ms;
  query.below = below;
  return search_now(query);
}

Result<std::optional<TimestampOffset>> LogImpl::find_max_timestamp(Offset below) {
  TimeQuery query;
  query.below = below;
  return search_now(query);
}

}  // namespace penstock::log
