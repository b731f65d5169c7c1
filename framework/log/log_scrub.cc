#include <algorithm>

#include "framework/log/log_impl.h"
#include "framework/log/scan.h"

namespace penstock::log {

Status ScrubTask::run() {
  ScanRange range;
  range.begin = begin;
  range.end = end;
  range.file_size = size;
  range.contiguous = contiguous;
  range.epochs = &epochs;
  if (begin == 0) range.expected = base;
  PENSTOCK_ASSIGN_OR_RETURN(ScanResult scan, scan_batches(*file, range));
  position = scan.position;
  damage = std::move(scan.damage);
  if (!damage && position == size && size > 0 &&
      (contiguous ? scan.next != next_segment : scan.next > next_segment)) {
    damage = Error{Errc::kCorrupt,
                   file->path() + " ends at offset " + std::to_string(scan.next.value) +
                       (active ? ", but the log ends at " : ", but the next segment begins at ") +
                       std::to_string(next_segment.value)};
  }
  return {};
}

Result<std::optional<ScrubTask>> LogImpl::begin_scrub(std::uint64_t bytes_max) {
  // Compaction may have left nothing of a segment but its place.
  while (scrub_segment_ < segments_.size() &&
         scrub_position_ >= segments_[scrub_segment_]->size()) {
    ++scrub_segment_;
    scrub_position_ = 0;
  }
  const std::int64_t now = clock_.steady_ns() / 1'000'000;
  const bool active = scrub_segment_ + 1 == segments_.size();
  const bool rests = active && scrub_position_ == 0 && active_scrubbed_ms_ &&
                     now - *active_scrubbed_ms_ < kActiveScrubMs;
  if (scrub_segment_ >= segments_.size() || rests) {
    scrub_segment_ = 0;
    scrub_position_ = 0;
    return std::optional<ScrubTask>();
  }
  if (active && scrub_position_ == 0) active_scrubbed_ms_ = now;
  Segment& segment = *segments_[scrub_segment_];
  ScrubTask task;
  auto file = segment.file();
  if (!file) {
    ++scrub_segment_;
    scrub_position_ = 0;
    return tl::make_unexpected(std::move(file).error());
  }
  task.file = std::move(*file);
  keep_few_files_open(scrub_segment_);
  task.base = segment.base();
  task.next_segment = next_base(scrub_segment_);
  task.size = segment.size();
  task.active = active;
  task.begin = scrub_position_;
  task.end = std::min(segment.size(), scrub_position_ + std::max<std::uint64_t>(bytes_max, 1));
  task.contiguous = contiguous();
  task.epochs = epochs_;
  task.generation = generation_;
  return std::optional(std::move(task));
}

void LogImpl::apply_scrub(const ScrubTask& task) {
  if (task.generation != generation_ || scrub_segment_ >= segments_.size()) return;
  const Segment& segment = *segments_[scrub_segment_];
  if (segment.base() != task.base || scrub_position_ != task.begin ||
      (!task.active && segment.size() != task.size))
    return;
  if (task.damage) note_damage(scrub_segment_, *task.damage);
  scrub_position_ = task.damage || task.position == task.begin ? task.size : task.position;
  if (!task.active || scrub_position_ < task.size) return;
  // What was appended meanwhile is for the next round.
  ++scrub_segment_;
  scrub_position_ = 0;
}

}  // namespace penstock::log
