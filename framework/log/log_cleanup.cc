#include <algorithm>
#include <iterator>
#include <utility>

#include "framework/log/log_impl.h"

namespace penstock::log {

RemovalTask LogImpl::new_removal() const {
  RemovalTask task;
  task.log_start = start_;
  task.now_ms = clock_.wall_ms();
  task.log_bytes = size_bytes_;
  task.epochs = epochs_;
  task.contiguous = contiguous();
  task.generation = generation_;
  task.layout = layout_;
  task.before_remove = before_remove_;
  task.names = names_;
  return task;
}

Result<std::optional<RemovalTask>> LogImpl::begin_truncate_prefix(Offset to) {
  if (to > end_) {
    return fail(Errc::kOutOfRange, directory_ + ": offset " + std::to_string(to.value) +
                                       " is beyond the log end " + std::to_string(end_.value));
  }
  if (to <= start_) return std::optional<RemovalTask>();
  if (removing_to_) return fail(Errc::kBusy, directory_ + ": records are being removed");
  RemovalTask task = new_removal();
  task.asked = to;
  removing_to_ = to;
  return std::optional(std::move(task));
}

/// The oldest segments that retention may take, up to the first that it is known to keep.
std::vector<RemovalTask::Candidate> LogImpl::candidates(Offset below, bool& more) const {
  std::vector<RemovalTask::Candidate> result;
  const std::int64_t now = clock_.wall_ms();
  std::uint64_t left = size_bytes_;
  more = false;
  for (std::size_t i = 0; i < segments_.size() && next_base(i) <= below; ++i) {
    const Segment& segment = *segments_[i];
    RemovalTask::Candidate one;
    one.base = segment.base();
    one.next = next_base(i);
    one.size = segment.size();
    one.active = i + 1 == segments_.size();
    // Compaction may have left nothing of a segment but its place.
    if (one.active && one.size == 0) break;
    one.newest_ms = segment.known_newest_ms();
    if (one.newest_ms && *one.newest_ms < 0) one.newest_ms.reset();  // its file's time counts
    const bool below_start = !one.active && one.next <= start_;
    const bool kept_by_size = one.active || config_.retention_bytes < 0 ||
                              left - one.size < static_cast<std::uint64_t>(config_.retention_bytes);
    const bool kept_by_time =
        config_.retention_ms < 0 || (one.newest_ms && now - *one.newest_ms <= config_.retention_ms);
    if (!below_start && kept_by_size && kept_by_time) break;
    if (result.size() == RemovalTask::kCandidatesMax) {
      more = true;
      break;
    }
    if (!below_start && !kept_by_time && !one.newest_ms) one.twin = segment.twin(true);
    left -= one.size;
    result.push_back(std::move(one));
  }
  return result;
}

Result<std::optional<RemovalTask>> LogImpl::begin_retention(Offset below) {
  producers_.expire(clock_.wall_ms(), config_.producer_id_expiration_ms);
  PENSTOCK_RETURN_IF_ERROR(check_online());
  if (config_.cleanup_policy == CleanupPolicy::kCompact || compacting_ || removing_to_)
    return std::optional<RemovalTask>();
  bool more = false;
  auto found = candidates(below, more);
  if (found.empty()) return std::optional<RemovalTask>();
  RemovalTask task = new_removal();
  task.retention_ms = config_.retention_ms;
  task.retention_bytes = config_.retention_bytes;
  task.candidates = std::move(found);
  task.more = more;
  removing_to_ = std::max(start_, task.candidates.back().next);
  return std::optional(std::move(task));
}

Result<Log::Removed> LogImpl::apply_removal(RemovalTask& task, const Status& ran) {
  removing_to_.reset();
  // A truncation meanwhile has not gone below the new log start.
  if (task.generation != generation_ && offline_)
    return fail(Errc::kOffline, directory_ + " is offline: " + offline_->text);
  for (RemovalTask::Candidate& one : task.candidates) {
    if (!one.twin) continue;
    const auto index = still_there(*one.twin, task.generation, task.layout);
    if (!index) continue;
    PENSTOCK_RETURN_IF_ERROR(segments_[*index]->adopt(*one.twin));
    keep_few_files_open(*index);
  }
  if (!ran && task.layout == layout_ && task.looked_at >= segments_.front()->base())
    note_damage(segment_of(task.looked_at), ran.error());
  PENSTOCK_RETURN_IF_ERROR(ran);
  Removed removed;
  if (task.start > start_) start_ = task.start;
  if (task.start != Offset::kNone) {
    PENSTOCK_ASSIGN_OR_RETURN(removed.segments, remove_below_start());
  }
  removed.more = task.more;
  if (!task.roll || active().size() != task.candidates.back().size ||
      active().base() != task.candidates.back().base)
    return removed;
  PENSTOCK_RETURN_IF_ERROR(roll());
  removed.more = true;
  return removed;
}

/// Takes the first `count` segments out of the log; begin_unlink() has their files.
int LogImpl::drop_segments(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    Segment& segment = *segments_[i];
    dropped_.push_back(segment.paths());
    size_bytes_ -= segment.size();
    std::erase(lately_used_, &segment);
  }
  sync_before_rename_ = sync_before_rename_ || directory_changes_ != directory_changes_synced_;
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
  scrub_segment_ = scrub_segment_ > count ? scrub_segment_ - count : 0;
  scrub_position_ = 0;
  return static_cast<int>(count);
}

// The log start is durable already.
Result<int> LogImpl::remove_below_start() {
  std::size_t count = 0;
  while (count + 1 < segments_.size() && segments_[count + 1]->base() <= start_) ++count;
  // What is being compacted goes when that is done.
  const int dropped = count > 0 && !compacting_ ? drop_segments(count) : 0;
  if (epochs_.truncate_start(start_)) PENSTOCK_RETURN_IF_ERROR(store_epochs());
  return dropped;
}

std::optional<UnlinkTask> LogImpl::begin_unlink() {
  if (unlinking_) return std::nullopt;
  UnlinkTask task;
  task.directory = directory_;
  task.names = names_;
  task.sync_first = std::exchange(sync_before_rename_, false);
  task.renames.assign(std::make_move_iterator(dropped_.begin()),
                      std::make_move_iterator(dropped_.end()));
  dropped_.clear();
  const std::int64_t now = clock_.wall_ms();
  while (!deleted_.empty() && deleted_.front().due_ms <= now &&
         task.unlinks.size() < UnlinkTask::kUnlinksMax) {
    std::vector<std::string>& paths = deleted_.front().paths;
    while (!paths.empty() && task.unlinks.size() < UnlinkTask::kUnlinksMax) {
      task.unlinks.push_back(std::move(paths.back()));
      paths.pop_back();
    }
    if (paths.empty()) deleted_.pop_front();
  }
  if (task.renames.empty() && task.unlinks.empty()) return std::nullopt;
  unlinking_ = true;
  return task;
}

void LogImpl::apply_unlink(const UnlinkTask& task, const Status& ran) {
  unlinking_ = false;
  Deleted deleted;
  deleted.due_ms = clock_.wall_ms() + config_.file_delete_delay_ms;
  for (std::size_t i = 0; i < task.renamed; ++i) {
    for (const std::string& path : task.renames[i]) deleted.paths.push_back(path + kDeletedSuffix);
  }
  if (!deleted.paths.empty()) deleted_.push_back(std::move(deleted));
  // Those that kept their names are tried again.
  dropped_.insert(dropped_.begin(),
                  task.renames.begin() + static_cast<std::ptrdiff_t>(task.renamed),
                  task.renames.end());
  if (task.renamed < task.renames.size()) sync_before_rename_ = true;
  if (!ran && task.sync_failed) set_offline(ran.error());
}

Status LogImpl::unlink_now() {
  auto task = begin_unlink();
  if (!task) return {};
  Status ran = task->run(system_);
  apply_unlink(*task, ran);
  return ran;
}

bool LogImpl::unlink_deleted() {
  // What could not be renamed is tried again by the next call.
  if (!unlink_now()) return true;
  return has_names_to_remove();
}

Status LogImpl::truncate_prefix(Offset to) {
  PENSTOCK_ASSIGN_OR_RETURN(auto task, begin_truncate_prefix(to));
  if (!task) return {};
  const Status ran = task->run();
  PENSTOCK_RETURN_IF_ERROR(apply_removal(*task, ran));
  return unlink_now();
}

Result<int> LogImpl::apply_retention(Offset below) {
  int removed = 0;
  while (true) {
    PENSTOCK_ASSIGN_OR_RETURN(auto task, begin_retention(below));
    if (!task) break;
    const Status ran = task->run();
    PENSTOCK_ASSIGN_OR_RETURN(const Removed done, apply_removal(*task, ran));
    removed += done.segments;
    if (!done.more) break;
  }
  PENSTOCK_RETURN_IF_ERROR(unlink_now());
  return removed;
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
  const std::size_t index = segment_of(to);
  PENSTOCK_RETURN_IF_ERROR(segments_[index]->load(judge_of(index)));
  PENSTOCK_ASSIGN_OR_RETURN(const auto found, segments_[index]->find(to, judge_of(index)));
  const Offset new_end = found ? std::min(to, found->header.base_offset) : to;
  if (removing_to_ && *removing_to_ > new_end)
    return fail(Errc::kBusy, directory_ + ": records are being removed up to offset " +
                                 std::to_string(removing_to_->value));
  if (cleaned_to_ && *cleaned_to_ > to) cleaned_to_ = to;
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
