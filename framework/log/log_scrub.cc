#include "framework/log/log_impl.h"

namespace penstock::log {

// Unlike a read, this looks at bytes that were checked before: what a disk gave rightly once may
// rot.
Result<std::uint64_t> LogImpl::scrub(std::uint64_t bytes_max) {
  std::uint64_t done = 0;
  while (done < bytes_max) {
    if (scrub_segment_ + 1 >= segments_.size()) {
      if (done == 0) {
        scrub_segment_ = 0;
        scrub_position_ = 0;
      }
      return done;
    }
    Segment& segment = *segments_[scrub_segment_];
    PENSTOCK_ASSIGN_OR_RETURN(const auto file, segment.file());
    keep_few_files_open(scrub_segment_);
    ScanRange range;
    range.begin = scrub_position_;
    range.end = std::min(segment.size(), scrub_position_ + (bytes_max - done));
    range.file_size = segment.size();
    range.contiguous = contiguous();
    range.epochs = &epochs_;
    if (scrub_position_ == 0) range.expected = segment.base();
    PENSTOCK_ASSIGN_OR_RETURN(const ScanResult scan, scan_batches(*file, range));
    if (scan.damage) return tl::make_unexpected(*scan.damage);
    const Offset next = next_base(scrub_segment_);
    if (scan.position == segment.size() && (contiguous() ? scan.next != next : scan.next > next)) {
      return fail(Errc::kCorrupt,
                  file->path() + " ends at offset " + std::to_string(scan.next.value) +
                      ", but the next segment begins at " + std::to_string(next.value));
    }
    done += scan.position - scrub_position_;
    scrub_position_ = scan.position;
    if (scrub_position_ >= segment.size()) {
      ++scrub_segment_;
      scrub_position_ = 0;
    }
  }
  return done;
}

}  // namespace penstock::log
