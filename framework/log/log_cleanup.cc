#include <algorithm>

#include "framework/log/log_impl.h"

namespace penstock::log {

// Renames the files of the first `count` segments; unlink_deleted() removes them after the delay.
Status LogImpl::remove_segments(std::size_t count) {
  if (count == 0) return {};
  // The segment that stays must be durable before the others go, else a power cut could leave none
  // of them.
  if (directory_changes_ != directory_changes_synced_) {
    if (auto synced = system_.sync_directory(directory_); !synced) {
      set_offline(synced.error());
      return synced;
    }
    directory_changes_synced_ = directory_changes_;
  }
  if (before_remove_)
    PENSTOCK_RETURN_IF_ERROR(before_remove_(std::max(start_, segments_[count]->base())));
  Deleted deleted;
  deleted.due_ms = clock_.wall_ms() + config_.file_delete_delay_ms;
  for (std::size_t i = 0; i < count; ++i) {
    Segment& segment = *segments_[i];
    if (i > 0) {
      // One after the other, or a power cut could take a later one only and leave a hole.
      if (auto synced = system_.sync_directory(directory_); !synced) {
        set_offline(synced.error());
        return synced;
      }
    }
    for (const std::string& path : segment.paths()) {
      if (!system_.exists(path)) continue;
      PENSTOCK_RETURN_IF_ERROR(system_.rename(path, path + ".deleted"));
      deleted.paths.push_back(path + ".deleted");
    }
    size_bytes_ -= segment.size();
    std::erase(lately_used_, &segment);
  }
  deleted_.push_back(std::move(deleted));
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
  scrub_segment_ = scrub_segment_ > count ? scrub_segment_ - count : 0;
  scrub_position_ = 0;
  start_ = std::max(start_, segments_.front()->base());
  if (epochs_.truncate_start(start_)) PENSTOCK_RETURN_IF_ERROR(store_epochs());
  return {};
}

bool LogImpl::unlink_deleted() {
  const std::int64_t now = clock_.wall_ms();
  while (!deleted_.empty() && deleted_.front().due_ms <= now) {
    for (const std::string& path : deleted_.front().paths) {
      // A name that is gone or cannot be removed now is tried again by the next open.
      if (const auto removed = system_.remove(path); !removed) continue;
    }
    deleted_.pop_front();
  }
  return !deleted_.empty();
}

Status LogImpl::truncate_prefix(Offset to) {
  if (to > end_) {
    return fail(Errc::kOutOfRange, directory_ + ": offset " + std::to_string(to.value) +
                                       " is beyond the log end " + std::to_string(end_.value));
  }
  if (to <= start_) return {};
  // What was deleted on request stays deleted after a crash, also where no file goes.
  if (before_remove_) PENSTOCK_RETURN_IF_ERROR(before_remove_(to));
  start_ = to;
  return remove_below_start();
}

Status LogImpl::remove_below_start() {
  std::size_t count = 0;
  while (count + 1 < segments_.size() && segments_[count + 1]->base() <= start_) ++count;
  // What is being compacted goes when that is done.
  if (count > 0 && !compacting_) return remove_segments(count);
  if (epochs_.truncate_start(start_)) return store_epochs();
  return {};
}

Result<int> LogImpl::apply_retention(Offset below) {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  const std::int64_t now = clock_.wall_ms();
  producers_.expire(now, config_.producer_id_expiration_ms);
  if (config_.cleanup_policy == CleanupPolicy::kCompact || compacting_) return 0;
  std::size_t expired = 0;
  while (config_.retention_ms >= 0 && expired < segments_.size() && next_base(expired) <= below) {
    // Compaction may have left nothing of a segment but its place.
    if (segments_[expired]->size() == 0 && expired + 1 == segments_.size()) break;
    PENSTOCK_ASSIGN_OR_RETURN(const std::int64_t newest,
                              segments_[expired]->retention_timestamp_ms());
    if (now - newest <= config_.retention_ms) break;
    // Before anything is deleted by a timestamp in an index, the index is compared with the log.
    PENSTOCK_RETURN_IF_ERROR(segments_[expired]->check_times(judge_of(expired)));
    keep_few_files_open(expired);
    if (now - segments_[expired]->max_timestamp_ms() <= config_.retention_ms) break;
    ++expired;
  }
  if (expired == segments_.size()) PENSTOCK_RETURN_IF_ERROR(roll());
  std::uint64_t left = size_bytes_;
  for (std::size_t i = 0; i < expired; ++i) left -= segments_[i]->size();
  while (config_.retention_bytes >= 0 && expired + 1 < segments_.size() &&
         next_base(expired) <= below &&
         left - segments_[expired]->size() >= static_cast<std::uint64_t>(config_.retention_bytes)) {
    left -= segments_[expired]->size();
    ++expired;
  }
  PENSTOCK_RETURN_IF_ERROR(remove_segments(expired));
  return static_cast<int>(expired);
}

// Truncation: the segments are gone for good, their bytes are not wanted by anybody.
Status LogImpl::remove_segments_behind(std::size_t index) {
  while (segments_.size() > index + 1) {
    Segment& segment = *segments_.back();
    std::erase(lately_used_, &segment);
    size_bytes_ -= segment.size();
    for (const std::string& path : segment.paths()) {
      if (system_.exists(path)) PENSTOCK_RETURN_IF_ERROR(system_.remove(path));
    }
    segments_.pop_back();
  }
  ++directory_changes_;
  return {};
}

Status LogImpl::truncate(Offset to) {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  if (to < start_ || to > end_) {
    return fail(Errc::kOutOfRange, directory_ + ": cannot truncate to " + std::to_string(to.value) +
                                       ", the log holds " + std::to_string(start_.value) + ".." +
                                       std::to_string(end_.value));
  }
  if (to == end_) return {};
  if (!give_up_compaction(to))
    return fail(Errc::kBusy, directory_ + " is being compacted up to offset " +
                                 std::to_string(compacting_to_->value));
  if (cleaned_to_ && *cleaned_to_ > to) cleaned_to_ = to;
  const std::size_t index = segment_of(to);
  PENSTOCK_RETURN_IF_ERROR(segments_[index]->load(judge_of(index)));
  PENSTOCK_ASSIGN_OR_RETURN(const auto found, segments_[index]->find(to, judge_of(index)));
  const Offset new_end = found ? std::min(to, found->header.base_offset) : to;
  if (before_truncate_ && new_end < flushed_end_)
    PENSTOCK_RETURN_IF_ERROR(before_truncate_(new_end));
  ++generation_;
  if (new_end < flushed_end_) set_flushed_end(new_end);
  // From here on a failure leaves files that only a new open can judge.
  const auto cut = [&]() -> Status {
    PENSTOCK_RETURN_IF_ERROR(remove_segments_behind(index));
    Segment& last = active();
    const std::uint64_t size = found ? found->at : last.size();
    size_bytes_ -= last.size() - size;
    PENSTOCK_RETURN_IF_ERROR(last.truncate(size));
    end_ = new_end;
    start_ = std::min(start_, end_);
    if (epochs_.truncate_end(end_)) PENSTOCK_RETURN_IF_ERROR(store_epochs());
    scrub_segment_ = 0;
    scrub_position_ = 0;
    // Durable at once: records of the old history must not come back behind those of the new one.
    PENSTOCK_ASSIGN_OR_RETURN(const auto file, last.file());
    PENSTOCK_RETURN_IF_ERROR(file->sync());
    PENSTOCK_RETURN_IF_ERROR(system_.sync_directory(directory_));
    // Those that stay may still have to be synced. Names of equal length go by their offsets.
    std::erase_if(txn_files_, [newest = last.stem() + ".txnindex"](const auto& item) {
      return item.first > newest;
    });
    PENSTOCK_ASSIGN_OR_RETURN(const auto names, system_.list(directory_));
    return restore_producers(end_, names);
  };
  auto done = cut();
  if (!done) set_offline(done.error());
  return done;
}

}  // namespace penstock::log
