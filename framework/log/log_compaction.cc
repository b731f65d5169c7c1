#include <algorithm>

#include "framework/base/assert.h"
#include "framework/log/log_impl.h"

namespace penstock::log {

// Whole segments, durable ones only: what a task reads must not depend on what a power cut leaves.
Result<std::optional<Cleanable>> LogImpl::cleanable(Offset below) {
  if (offline_ || compacting_ || config_.cleanup_policy == CleanupPolicy::kDelete)
    return std::optional<Cleanable>();
  // Segments that are on their way out must not come back as a part of others.
  if (removing_to_ || unlinking_ || !dropped_.empty()) return std::optional<Cleanable>();
  // A task knows of the aborted transactions in the files only: records of others would pass for
  // committed ones. begin_flush() stores them once there is room.
  if (!unstored_aborted_.empty()) return std::optional<Cleanable>();
  Cleanable result;
  result.from = cleaned_to_ && *cleaned_to_ <= end_ ? std::max(*cleaned_to_, start_) : start_;
  result.to = result.from;
  below = std::min(below, flushed_end_);
  const std::int64_t now = clock_.wall_ms();
  std::optional<std::int64_t> oldest;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = *segments_[i];
    if (next_base(i) <= result.from) {
      result.clean_bytes += segment.size();
      continue;
    }
    if (const auto first = segment.first_timestamp_ms(); first && *first >= 0)
      oldest = std::min(oldest.value_or(*first), *first);
    if (i + 1 == segments_.size() || next_base(i) > below) break;
    if (config_.min_compaction_lag_ms > 0) {
      PENSTOCK_ASSIGN_OR_RETURN(const std::int64_t newest, segment.retention_timestamp_ms());
      if (newest > now - config_.min_compaction_lag_ms) break;
    }
    result.dirty_bytes += segment.size();
    result.to = next_base(i);
  }
  if (result.to <= result.from) return std::optional<Cleanable>();
  result.overdue = oldest && config_.max_compaction_lag_ms < now &&
                   *oldest < now - config_.max_compaction_lag_ms;
  return std::optional(result);
}

Result<std::optional<CompactionTask>> LogImpl::begin_compaction(Offset below,
                                                                const CompactionLimits& limits) {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  PENSTOCK_ASSIGN_OR_RETURN(const auto range, cleanable(below));
  if (!range) return std::optional<CompactionTask>();
  CompactionTask::Input input;
  input.directory = directory_;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (next_base(i) <= range->to && i + 1 < segments_.size()) {
      input.sources.push_back({segments_[i]->base(), next_base(i), segments_[i]->size()});
    } else {
      input.later_segments.push_back(segments_[i]->base());
    }
  }
  input.from = range->from;
  input.to = range->to;
  for (const auto& [id, entry] : producers_.entries()) {
    input.last_of_producer[id] =
        entry.batches.empty() ? Offset::kNone : entry.batches.back().last_offset;
  }
  input.segment_bytes =
      static_cast<std::uint64_t>(std::max<std::int64_t>(config_.segment_bytes, 1));
  input.index_bytes = static_cast<std::uint64_t>(config_.segment_index_bytes);
  input.index_interval_bytes = config_.index_interval_bytes;
  input.delete_retention_ms = config_.delete_retention_ms;
  input.limits = limits;
  input.generation = generation_;
  input.before_swap = [hook = before_swap_, from = range->from] {
    return hook ? hook(from) : Status();
  };
  // Before the first gap comes to be.
  cleaned_to_ = range->from;
  compacting_ =
      std::make_shared<std::atomic<CompactionTask::State>>(CompactionTask::State::kWriting);
  compacting_to_ = range->to;
  return std::optional<CompactionTask>(CompactionTask(std::move(input), clock_, compacting_));
}

void LogImpl::cancel_compaction() {
  if (!compacting_) return;
  auto writing = CompactionTask::State::kWriting;
  compacting_->compare_exchange_strong(writing, CompactionTask::State::kCancelled);
}

/// False when a compaction that covers `to` has come too far.
bool LogImpl::give_up_compaction(Offset to) {
  if (!compacting_ || to >= *compacting_to_) return true;
  cancel_compaction();
  return compacting_->load() == CompactionTask::State::kCancelled;
}

Status LogImpl::apply_compaction(const CompactionTask& task, const Status& ran) {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  PENSTOCK_ASSERT(compacting_ != nullptr && swapped_.empty());
  if (!ran) {
    if (task.staged()) {
      set_offline(ran.error());
      return ran;
    }
    compacting_.reset();
    PENSTOCK_RETURN_IF_ERROR(remove_below_start().map([](int) {}));
    return ran;
  }
  if (task.input().generation != generation_) {
    // Only a truncation that cancelled it gets here, and then it wrote nothing.
    PENSTOCK_ASSERT(task.outputs().empty());
    compacting_.reset();
    return remove_below_start().map([](int) {});
  }
  for (const CompactionTask::Output& output : task.outputs()) {
    if (auto swapped = swap_in(output); !swapped) {
      set_offline(swapped.error());
      return swapped;
    }
  }
  cleaned_to_ = task.cleaned_to();
  scrub_segment_ = 0;
  scrub_position_ = 0;
  swaps_durable_at_ = ++directory_changes_;
  if (!swapped_.empty()) return {};
  compacting_.reset();
  return remove_below_start().map([](int) {});
}

// The new segment keeps its suffix, and so the power to be completed by an open, until it is
// durable that the others are gone.
Status LogImpl::swap_in(const CompactionTask::Output& output) {
  const std::size_t first = segment_of(output.base);
  PENSTOCK_ASSERT(segments_[first]->base() == output.base &&
                  first + output.sources < segments_.size());
  Deleted deleted;
  deleted.due_ms = clock_.wall_ms() + config_.file_delete_delay_ms;
  for (std::size_t i = first; i < first + output.sources; ++i) {
    Segment& segment = *segments_[i];
    size_bytes_ -= segment.size();
    std::erase(lately_used_, &segment);
    if (i == first) continue;
    for (const std::string& path : segment.paths()) {
      if (!system_.exists(path)) continue;
      PENSTOCK_RETURN_IF_ERROR(system_.rename(path, path + ".deleted"));
      deleted.paths.push_back(path + ".deleted");
    }
  }
  ++layout_;
  if (!deleted.paths.empty()) deleted_.push_back(std::move(deleted));
  segments_[first] = std::make_unique<Segment>(system_, directory_, output.base, output.size,
                                               config_.index_interval_bytes, kSwapSuffix);
  const auto behind = segments_.begin() + static_cast<std::ptrdiff_t>(first) + 1;
  segments_.erase(behind, behind + static_cast<std::ptrdiff_t>(output.sources) - 1);
  size_bytes_ += output.size;
  swapped_.push_back(output.base);
  return {};
}

Status LogImpl::finish_swaps() {
  for (const Offset base : swapped_) {
    const std::size_t index = segment_of(base);
    Segment& segment = *segments_[index];
    PENSTOCK_ASSERT(segment.base() == base);
    std::erase(lately_used_, &segment);
    for (const char* kind : {".txnindex", ".timeindex", ".index", ".log"}) {
      const std::string path = segment.path(kind);
      if (system_.exists(path))
        PENSTOCK_RETURN_IF_ERROR(system_.rename(path, segment.stem() + kind));
    }
    segments_[index] = std::make_unique<Segment>(system_, directory_, base, segment.size(),
                                                 config_.index_interval_bytes);
  }
  ++layout_;
  swapped_.clear();
  compacting_.reset();
  return remove_below_start().map([](int) {});
}

}  // namespace penstock::log
