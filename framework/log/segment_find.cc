#include <algorithm>

#include "framework/log/segment.h"

namespace penstock::log {

const OffsetEntry* Segment::entry_below(std::int64_t relative) const {
  const auto behind = std::upper_bound(
      offsets_.begin(), offsets_.end(), relative,
      [](std::int64_t value, const OffsetEntry& entry) { return value < entry.relative; });
  return behind == offsets_.begin() ? nullptr : &*std::prev(behind);
}

Result<bool> Segment::leads_to_its_batch(const OffsetEntry& entry) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  HeaderWalker walker(*log, entry.position, size_);
  const auto more = walker.next();
  if (!more && more.error().code == Errc::kIo) return tl::make_unexpected(more.error());
  return more && *more && walker.header().last_offset() == base_ + entry.relative;
}

Segment::Span Segment::span_of(Offset from, std::uint64_t bytes) const {
  Span span;
  const OffsetEntry* entry = entry_below(from - base_);
  std::size_t next = 0;
  if (entry == nullptr) {
    span.expected = base_;
  } else {
    span.begin = entry->position;
    if (!index_trusted_) span.entry = *entry;
    next = static_cast<std::size_t>(entry - offsets_.data()) + 1;
  }
  // The batch of `from` begins before the next entry's, or is that one.
  const std::uint64_t at = next < offsets_.size() ? offsets_[next].position : size_;
  const std::uint64_t wanted = std::max<std::uint64_t>(bytes, 1);
  span.end = size_ - std::min(size_, at) > wanted ? at + wanted : size_;
  return span;
}

Status Segment::check(const Span& span, const Judge& judge) {
  if (span.entry) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool good, leads_to_its_batch(*span.entry));
    if (!good) return {};
  }
  return ensure_checked(span.begin, span.end, span.expected, judge);
}

// Whether the batches behind the last entry are too few for another one.
Result<bool> Segment::covers_the_log() {
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  const std::uint64_t from = offsets_.empty() ? 0 : offsets_.back().position;
  HeaderWalker walker(*log, from, size_);
  while (true) {
    const auto more = walker.next();
    if (!more && more.error().code == Errc::kIo) return tl::make_unexpected(more.error());
    if (!more || !*more) return true;
    if (walker.position() - from > interval_) return false;
  }
}

Status Segment::check_times(const Judge& judge) {
  PENSTOCK_RETURN_IF_ERROR(compare_times(judge));
  if (judge.next_segment) newest_ms_ = max_timestamp_ms_;
  return {};
}

Status Segment::compare_times(const Judge& judge) {
  PENSTOCK_RETURN_IF_ERROR(load(judge));
  if (index_trusted_ || times_checked_) return {};
  const Offset from = base_ + (last_loaded_time_ ? std::int64_t{last_loaded_time_->relative} : 0);
  const std::int64_t newest = last_loaded_time_ ? last_loaded_time_->timestamp_ms : -1;
  PENSTOCK_ASSIGN_OR_RETURN(const auto first, find(from, judge));
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  bool good = true;
  // find() may have rebuilt everything.
  if (first && !index_trusted_) {
    if (last_loaded_time_)
      good = first->header.max_timestamp_ms == newest && first->header.last_offset() == from;
    HeaderWalker walker(*log, first->at, std::max(first->at, loaded_times_until_));
    while (good) {
      PENSTOCK_ASSIGN_OR_RETURN(const bool more, walker.next());
      if (!more) break;
      good = walker.header().max_timestamp_ms <= newest;
    }
  }
  if (!good) return rebuild(judge);
  times_checked_ = true;
  return {};
}

Result<Offset> Segment::floor_of_time(std::int64_t timestamp_ms, const Judge& judge) {
  PENSTOCK_RETURN_IF_ERROR(check_times(judge));
  const auto floor = [&]() -> const TimeEntry* {
    const auto behind = std::upper_bound(
        times_.begin(), times_.end(), timestamp_ms,
        [](std::int64_t value, const TimeEntry& entry) { return value < entry.timestamp_ms; });
    return behind == times_.begin() ? nullptr : &*std::prev(behind);
  };
  const TimeEntry* entry = floor();
  if (entry != nullptr && !index_trusted_) {
    const TimeEntry wanted = *entry;
    PENSTOCK_ASSIGN_OR_RETURN(const auto found, find(base_ + wanted.relative, judge));
    if (!found || found->header.last_offset() != base_ + wanted.relative ||
        found->header.max_timestamp_ms != wanted.timestamp_ms) {
      PENSTOCK_RETURN_IF_ERROR(rebuild(judge));
    }
    entry = floor();
  }
  return entry == nullptr ? base_ : base_ + entry->relative;
}

Result<std::pair<std::uint64_t, Offset>> Segment::entry_at_or_before(Offset offset) {
  const OffsetEntry* entry = entry_below(offset - base_);
  if (entry == nullptr) return std::pair(std::uint64_t{0}, base_);
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  HeaderWalker walker(*log, entry->position, size_);
  const auto more = walker.next();
  if (!more && more.error().code == Errc::kIo) return tl::make_unexpected(more.error());
  if (!more || !*more || walker.header().last_offset() != base_ + entry->relative)
    return std::pair(std::uint64_t{0}, base_);
  return std::pair(walker.position(), walker.header().base_offset);
}

Result<std::optional<Segment::Position>> Segment::find(Offset offset, const Judge& judge) {
  PENSTOCK_RETURN_IF_ERROR(load(judge));
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  const OffsetEntry* entry = entry_below(offset - base_);
  if (entry != nullptr && !index_trusted_) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool good, leads_to_its_batch(*entry));
    if (!good) {
      PENSTOCK_RETURN_IF_ERROR(rebuild(judge));
      entry = entry_below(offset - base_);
    }
  }
  std::uint64_t next = entry == nullptr ? 0 : entry->position;
  std::optional<Offset> expected;
  if (entry == nullptr) expected = base_;
  HeaderWalker walker(*log, next, size_);
  while (next < size_) {
    PENSTOCK_RETURN_IF_ERROR(ensure_checked(next, next + 1, expected, judge));
    PENSTOCK_ASSIGN_OR_RETURN(const bool more, walker.next());
    if (!more) break;
    if (walker.header().last_offset() >= offset)
      return std::optional<Position>(Position{walker.position(), walker.header()});
    next = walker.behind();
    expected = walker.header().last_offset() + 1;
  }
  return std::optional<Position>();
}

Result<std::uint64_t> Segment::boundary_at_or_below(std::uint64_t from, std::uint64_t limit,
                                                    const Judge& judge) {
  if (limit >= size_) return size_;
  const auto behind = std::upper_bound(
      offsets_.begin(), offsets_.end(), limit,
      [](std::uint64_t at, const OffsetEntry& entry) { return at < entry.position; });
  std::uint64_t boundary = from;
  if (behind != offsets_.begin() && std::prev(behind)->position > from) {
    const OffsetEntry entry = *std::prev(behind);
    bool good = index_trusted_;
    if (!good) {
      PENSTOCK_ASSIGN_OR_RETURN(good, leads_to_its_batch(entry));
    }
    if (!good) {
      PENSTOCK_RETURN_IF_ERROR(rebuild(judge));
      return boundary_at_or_below(from, limit, judge);
    }
    boundary = entry.position;
  }
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  HeaderWalker walker(*log, boundary, size_);
  while (true) {
    // Damage further on is for ensure_checked() to report, with what is good before it.
    const auto more = walker.next();
    if (!more && more.error().code == Errc::kIo) return tl::make_unexpected(more.error());
    if (!more || !*more || walker.behind() > limit) return boundary;
    boundary = walker.behind();
  }
}

Result<Offset> Segment::offset_behind(std::uint64_t at, const Judge& judge) {
  const auto entry = std::lower_bound(
      offsets_.begin(), offsets_.end(), at,
      [](const OffsetEntry& one, std::uint64_t position) { return one.position < position; });
  if (entry == offsets_.end()) return Offset(INT64_MAX);
  const OffsetEntry behind = *entry;
  if (!index_trusted_) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool good, leads_to_its_batch(behind));
    if (!good) {
      PENSTOCK_RETURN_IF_ERROR(rebuild(judge));
      return offset_behind(at, judge);
    }
  }
  return base_ + behind.relative;
}

bool Segment::has_txn_index() {
  if (!has_txn_index_) has_txn_index_ = system_.exists(path(".txnindex"));
  return *has_txn_index_;
}

std::uint64_t Segment::checked_until(std::uint64_t begin) const {
  const auto behind = checked_.upper_bound(begin);
  if (behind == checked_.begin()) return begin;
  return std::min(size_, std::max(begin, std::prev(behind)->second.end));
}

void Segment::mark_checked(std::uint64_t begin, std::uint64_t end, Offset next) {
  if (begin >= end) return;
  auto behind = checked_.upper_bound(begin);
  if (behind != checked_.begin() && std::prev(behind)->second.end >= begin)
    begin = (--behind)->first;
  Checked range{end, next};
  while (behind != checked_.end() && behind->first <= end) {
    if (behind->second.end > range.end) range = behind->second;
    behind = checked_.erase(behind);
  }
  checked_[begin] = range;
}

Status Segment::ensure_checked(std::uint64_t begin, std::uint64_t end,
                               std::optional<Offset> expected, const Judge& judge) {
  end = std::min(end, size_);
  while (begin < end) {
    const auto behind = checked_.upper_bound(begin);
    if (behind != checked_.begin() && std::prev(behind)->second.end >= begin) {
      // The base offset of the batch behind it is outside of the CRC: only its place tells.
      const Checked& before = std::prev(behind)->second;
      if (before.next != Offset::kNone)
        expected = before.next;
      else if (before.end > begin)
        expected.reset();
      if (before.end > begin) {
        begin = before.end;
        continue;
      }
    }
    const std::uint64_t stop = behind == checked_.end() ? end : std::min(end, behind->first);
    PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
    ScanRange range;
    range.begin = begin;
    range.end = stop;
    range.file_size = size_;
    range.expected = expected;
    range.contiguous = judge.contiguous;
    range.epochs = judge.epochs;
    PENSTOCK_ASSIGN_OR_RETURN(const ScanResult scan, scan_batches(*log, range));
    mark_checked(begin, scan.position, scan.next);
    if (scan.damage) return tl::make_unexpected(*scan.damage);
    if (scan.position == size_ && judge.next_segment &&
        (judge.contiguous ? scan.next != *judge.next_segment : scan.next > *judge.next_segment)) {
      checked_.clear();
      return fail(Errc::kCorrupt, log->path() + " ends at offset " +
                                      std::to_string(scan.next.value) +
                                      ", but the next segment begins at " +
                                      std::to_string(judge.next_segment->value));
    }
    begin = scan.position;
    expected = scan.next;
  }
  return {};
}

std::optional<std::int64_t> Segment::known_newest_ms() const {
  if (loaded_ && (index_trusted_ || times_checked_)) return max_timestamp_ms_;
  return newest_ms_;
}

Result<std::int64_t> Segment::retention_timestamp_ms() {
  if (loaded_ && max_timestamp_ms_ >= 0) return max_timestamp_ms_;
  if (!loaded_) {
    const auto index = system_.open(path(".timeindex"), OpenMode::kRead);
    if (index) {
      PENSTOCK_ASSIGN_OR_RETURN(const std::uint64_t bytes, (*index)->size());
      std::byte entry[TimeEntry::kBytes] = {};
      if (bytes >= sizeof entry && bytes % sizeof entry == 0) {
        PENSTOCK_ASSIGN_OR_RETURN(const std::size_t got,
                                  (*index)->read_at(bytes - sizeof entry, entry));
        const auto timestamp = load_be<std::int64_t>(entry);
        if (got == sizeof entry && timestamp > 0) return timestamp;
      }
    }
  }
  PENSTOCK_ASSIGN_OR_RETURN(const FileStatus status, system_.status(path(".log")));
  return status.modified_ms;
}

}  // namespace penstock::log
