#include "framework/log/segment.h"

namespace penstock::log {

std::unique_ptr<Segment> Segment::twin(bool with_index) const {
  auto twin = std::make_unique<Segment>(system_, "", base_, size_,
                                        static_cast<std::int32_t>(interval_), suffix_);
  twin->stem_ = stem_;
  twin->writes_ = false;
  twin->file_ = file_;
  twin->checked_ = checked_;
  twin->tail_end_ = tail_end_;
  twin->newest_ms_ = newest_ms_;
  twin->first_timestamp_ms_ = first_timestamp_ms_;
  if (!loaded_ || !with_index) return twin;
  twin->loaded_ = true;
  twin->index_trusted_ = index_trusted_;
  twin->times_checked_ = times_checked_;
  twin->last_loaded_time_ = last_loaded_time_;
  twin->loaded_times_until_ = loaded_times_until_;
  twin->offsets_ = offsets_;
  twin->times_ = times_;
  twin->offsets_stored_ = offsets_stored_;
  twin->times_stored_ = times_stored_;
  twin->stored_log_bytes_ = stored_log_bytes_;
  twin->bytes_since_entry_ = bytes_since_entry_;
  twin->max_timestamp_ms_ = max_timestamp_ms_;
  twin->max_timestamp_offset_ = max_timestamp_offset_;
  return twin;
}

Status Segment::adopt(Segment& twin) {
  for (const auto& [begin, range] : twin.checked_) mark_checked(begin, range.end, range.next);
  if (twin.newest_ms_ && twin.size_ == size_) newest_ms_ = twin.newest_ms_;
  if (!file_) file_ = twin.file_;
  if (!twin.loaded_) return {};
  // What was appended meanwhile is in this index only, and that was made before.
  const bool same_bytes = twin.size_ == size_;
  if (loaded_ && !(twin.rewrite_due_ && same_bytes && !index_trusted_)) {
    if (!twin.rewrite_due_ && twin.times_checked_) times_checked_ = true;
    return {};
  }
  if (!same_bytes) return {};
  loaded_ = true;
  tail_end_ = twin.tail_end_;
  index_trusted_ = twin.index_trusted_;
  times_checked_ = twin.times_checked_;
  last_loaded_time_ = twin.last_loaded_time_;
  loaded_times_until_ = twin.loaded_times_until_;
  offsets_ = std::move(twin.offsets_);
  times_ = std::move(twin.times_);
  offsets_stored_ = twin.offsets_stored_;
  times_stored_ = twin.times_stored_;
  stored_log_bytes_ = twin.stored_log_bytes_;
  bytes_since_entry_ = twin.bytes_since_entry_;
  max_timestamp_ms_ = twin.max_timestamp_ms_;
  max_timestamp_offset_ = twin.max_timestamp_offset_;
  first_timestamp_ms_ = twin.first_timestamp_ms_;
  twin.drop_caches();
  if (!twin.rewrite_due_) return {};
  const auto stored = rewrite_index_files();
  if (!stored && stored.error().code != Errc::kStorageFull) return stored;
  return {};
}

}  // namespace penstock::log
