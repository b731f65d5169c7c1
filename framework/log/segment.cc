#include "framework/log/segment.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "framework/base/assert.h"

namespace penstock::log {
namespace {

constexpr std::uint64_t kReserveStepBytes = 8U << 20;
// Index entries wait in memory until there are this many, or they cover this much log: what a scan
// after a crash reads at most.
constexpr std::size_t kPendingEntriesMax = 128;
constexpr std::uint64_t kPendingLogBytesMax = 2U << 20;
constexpr std::size_t kIndexFileBytesMax = 1U << 30;

template <class Entry>
bool begin_alike(const std::vector<Entry>& a, const std::vector<Entry>& b, std::size_t count) {
  return count <= a.size() && count <= b.size() &&
         std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(count), b.begin());
}

}  // namespace

std::string segment_stem(const std::string& directory, Offset base) {
  char name[32];
  std::snprintf(name, sizeof name, "/%020" PRId64, base.value);
  return directory + name;
}

Segment::Segment(FileSystem& system, const std::string& directory, Offset base, std::uint64_t size,
                 std::int32_t index_interval_bytes, std::string suffix)
    : system_(system),
      base_(base),
      stem_(segment_stem(directory, base)),
      suffix_(std::move(suffix)),
      size_(size),
      interval_(static_cast<std::uint32_t>(std::max(index_interval_bytes, 0))) {}

Status Segment::create() {
  PENSTOCK_ASSIGN_OR_RETURN(file_, system_.open(path(".log"), OpenMode::kCreateNew));
  // A power cut may have taken the segment of an earlier history and left its index.
  if (system_.exists(path(".txnindex")))
    PENSTOCK_RETURN_IF_ERROR(system_.remove(path(".txnindex")));
  loaded_ = true;
  index_trusted_ = true;
  set_checked_from(0);
  // Kafka has both files for every segment; entries come later, so a full disk does not matter
  // here.
  const auto touched = rewrite_index_files();
  if (!touched && touched.error().code != Errc::kStorageFull) return touched;
  return {};
}

Result<std::shared_ptr<File>> Segment::file() {
  if (!file_) {
    PENSTOCK_ASSIGN_OR_RETURN(file_, system_.open(path(".log"), OpenMode::kReadWrite));
  }
  return file_;
}

Status Segment::write(ByteView batches) {
  PENSTOCK_ASSERT(file_ != nullptr);
  // Small segments are not worth a reservation. It may fail: it is a favour to the file system, not
  // a promise.
  if (size_ >= kReserveStepBytes && size_ + batches.size() > reserved_) {
    reserved_ = size_ + batches.size() + kReserveStepBytes;
    if (const auto reserved = file_->reserve(reserved_); !reserved)
      reserved_ = size_ + batches.size();
  }
  PENSTOCK_RETURN_IF_ERROR(file_->write_at(size_, batches));
  size_ += batches.size();
  return {};
}

Status Segment::cut_back() {
  reserved_ = 0;
  return file_->truncate(size_);
}

void Segment::add(const record::BatchHeader& header, std::uint64_t position) {
  const Offset last = header.last_offset();
  if (position == 0) first_timestamp_ms_ = header.max_timestamp_ms;
  if (header.max_timestamp_ms > max_timestamp_ms_) {
    max_timestamp_ms_ = header.max_timestamp_ms;
    max_timestamp_offset_ = last;
  }
  if (bytes_since_entry_ > interval_) {
    offsets_.push_back(
        {static_cast<std::uint32_t>(last - base_), static_cast<std::uint32_t>(position)});
    if (max_timestamp_ms_ >= 0 &&
        (times_.empty() || max_timestamp_ms_ > times_.back().timestamp_ms)) {
      times_.push_back(
          {max_timestamp_ms_, static_cast<std::uint32_t>(max_timestamp_offset_ - base_)});
    }
    bytes_since_entry_ = 0;
  }
  bytes_since_entry_ += header.size_bytes();
}

Status Segment::store(std::unique_ptr<File>& file, const std::string& suffix, std::uint64_t at,
                      ByteView bytes) {
  if (bytes.empty()) return {};
  if (!file) {
    PENSTOCK_ASSIGN_OR_RETURN(file, system_.open(path(suffix), OpenMode::kCreate));
  }
  return file->write_at(at, bytes);
}

Status Segment::store_indexes(bool all) {
  if (offsets_stored_ == offsets_.size() && times_stored_ == times_.size()) return {};
  if (!all && offsets_.size() - offsets_stored_ < kPendingEntriesMax &&
      size_ - stored_log_bytes_ < kPendingLogBytesMax)
    return {};
  std::vector<std::byte> bytes;
  for (std::size_t i = times_stored_; i < times_.size(); ++i) encode_entry(times_[i], bytes);
  // The time index first: recovery takes the offset index's last entry to mean that both cover the
  // log up to there.
  auto stored = store(time_file_, ".timeindex", times_stored_ * TimeEntry::kBytes, bytes);
  if (stored) {
    times_stored_ = times_.size();
    bytes.clear();
    for (std::size_t i = offsets_stored_; i < offsets_.size(); ++i)
      encode_entry(offsets_[i], bytes);
    stored = store(index_file_, ".index", offsets_stored_ * OffsetEntry::kBytes, bytes);
  }
  if (!stored) return stored.error().code == Errc::kStorageFull ? Status() : stored;
  offsets_stored_ = offsets_.size();
  stored_log_bytes_ = size_;
  return {};
}

Status Segment::seal() {
  if (max_timestamp_ms_ >= 0 &&
      (times_.empty() || max_timestamp_ms_ > times_.back().timestamp_ms)) {
    times_.push_back(
        {max_timestamp_ms_, static_cast<std::uint32_t>(max_timestamp_offset_ - base_)});
  }
  PENSTOCK_RETURN_IF_ERROR(store_indexes(true));
  if (reserved_ > size_) {
    reserved_ = 0;
    PENSTOCK_RETURN_IF_ERROR(file_->truncate(size_));
  }
  index_file_.reset();
  time_file_.reset();
  return {};
}

void Segment::reset_index() {
  offsets_.clear();
  times_.clear();
  offsets_stored_ = times_stored_ = 0;
  bytes_since_entry_ = 0;
  stored_log_bytes_ = 0;
  max_timestamp_ms_ = -1;
  max_timestamp_offset_ = Offset::kNone;
  first_timestamp_ms_.reset();
}

Status Segment::rewrite_index_files() {
  if (!writes_) {
    rewrite_due_ = true;
    return {};
  }
  index_file_.reset();
  time_file_.reset();
  for (const char* suffix : {".index", ".timeindex"}) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto file, system_.open(path(suffix), OpenMode::kCreate));
    PENSTOCK_RETURN_IF_ERROR(file->truncate(0));
  }
  offsets_stored_ = times_stored_ = 0;
  return store_indexes(true);
}

Result<bool> Segment::load_offsets() {
  auto text = read_file(system_, path(".index"), kIndexFileBytesMax);
  if (!text && text.error().code == Errc::kIo) return tl::make_unexpected(std::move(text).error());
  if (!text) return false;
  auto entries = decode_offset_index(as_bytes(*text), size_);
  if (!entries) return false;
  offsets_ = std::move(*entries);
  return true;
}

Result<bool> Segment::load_times() {
  auto text = read_file(system_, path(".timeindex"), kIndexFileBytesMax);
  if (!text && text.error().code == Errc::kIo) return tl::make_unexpected(std::move(text).error());
  if (!text) return false;
  auto entries = decode_time_index(as_bytes(*text));
  if (!entries) return false;
  times_ = std::move(*entries);
  return true;
}

Result<bool> Segment::try_load(const Judge& judge) {
  if (loaded_) return true;
  reset_index();
  PENSTOCK_ASSIGN_OR_RETURN(bool good, load_offsets());
  if (good) {
    PENSTOCK_ASSIGN_OR_RETURN(good, load_times());
  }
  if (good && !times_.empty() && judge.next_segment)
    good = base_ + times_.back().relative < *judge.next_segment;
  if (good && !offsets_.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(good, leads_to_its_batch(offsets_.back()));
  }
  // The active segment's tail is replayed by recovery, which adds what is missing.
  if (good && judge.next_segment) {
    PENSTOCK_ASSIGN_OR_RETURN(good, covers_the_log());
  }
  if (!good) {
    reset_index();
    return false;
  }
  offsets_stored_ = offsets_.size();
  times_stored_ = times_.size();
  stored_log_bytes_ = size_;
  if (!times_.empty()) {
    max_timestamp_ms_ = times_.back().timestamp_ms;
    max_timestamp_offset_ = base_ + times_.back().relative;
  }
  // An entry counts the bytes from its own batch on.
  bytes_since_entry_ = size_ - (offsets_.empty() ? 0 : offsets_.back().position);
  loaded_ = true;
  index_trusted_ = false;
  times_checked_ = false;
  last_loaded_time_.reset();
  if (!times_.empty()) last_loaded_time_ = times_.back();
  loaded_times_until_ = size_;
  return true;
}

Status Segment::load(const Judge& judge) {
  PENSTOCK_ASSIGN_OR_RETURN(const bool good, try_load(judge));
  if (!good) PENSTOCK_RETURN_IF_ERROR(rebuild(judge));
  return tail_end_ ? take_deferred_tail(judge) : Status();
}

Status Segment::take_deferred_tail(const Judge& judge) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  PENSTOCK_ASSIGN_OR_RETURN(const auto entry, entry_at_or_before(Offset(INT64_MAX)));
  ScanRange range;
  range.begin = entry.first;
  range.expected = entry.second;
  range.end = range.file_size = size_;
  range.contiguous = judge.contiguous;
  range.epochs = judge.epochs;
  PENSTOCK_ASSIGN_OR_RETURN(const ScanResult scan, scan_batches(*log, range));
  if (scan.damage) return tl::make_unexpected(*scan.damage);
  if (scan.next != *tail_end_) {
    return fail(Errc::kCorrupt, log->path() + " ends at offset " + std::to_string(scan.next.value) +
                                    ", but was closed at offset " +
                                    std::to_string(tail_end_->value));
  }
  mark_checked(range.begin, size_, scan.next);
  PENSTOCK_RETURN_IF_ERROR(replay_tail());
  set_checked_from(size_);
  tail_end_.reset();
  return {};
}

Status Segment::rebuild(const Judge& judge) {
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  const bool had_last_time = judge.next_segment.has_value();
  PENSTOCK_RETURN_IF_ERROR(ensure_checked(0, size_, base_, judge));
  reset_index();
  HeaderWalker walker(*log, 0, size_);
  while (true) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool more, walker.next());
    if (!more) break;
    add(walker.header(), walker.position());
  }
  loaded_ = true;
  index_trusted_ = true;
  if (had_last_time && max_timestamp_ms_ >= 0 &&
      (times_.empty() || max_timestamp_ms_ > times_.back().timestamp_ms)) {
    times_.push_back(
        {max_timestamp_ms_, static_cast<std::uint32_t>(max_timestamp_offset_ - base_)});
  }
  const auto stored = rewrite_index_files();
  if (!stored && stored.error().code != Errc::kStorageFull) return stored;
  return {};
}

void Segment::drop_caches() {
  file_.reset();
  index_file_.reset();
  time_file_.reset();
  if (loaded_ && offsets_stored_ == offsets_.size() && times_stored_ == times_.size()) {
    loaded_ = false;
    reset_index();
    offsets_.shrink_to_fit();
    times_.shrink_to_fit();
  }
}

void Segment::set_checked_from(std::uint64_t begin) {
  checked_.erase(checked_.lower_bound(begin), checked_.end());
  if (!checked_.empty()) {
    Checked& last = std::prev(checked_.end())->second;
    if (last.end >= begin) {
      last = {UINT64_MAX};
      return;
    }
  }
  checked_[begin] = {UINT64_MAX};
}

Status Segment::truncate(std::uint64_t size) {
  PENSTOCK_ASSERT(loaded_ && size <= size_);
  newest_ms_.reset();
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  PENSTOCK_RETURN_IF_ERROR(log->truncate(size));
  size_ = size;
  reserved_ = 0;
  while (!checked_.empty() && std::prev(checked_.end())->first >= size)
    checked_.erase(std::prev(checked_.end()));
  if (!checked_.empty() && std::prev(checked_.end())->second.end > size)
    std::prev(checked_.end())->second = {size};
  set_checked_from(size);
  while (!offsets_.empty() && offsets_.back().position >= size) offsets_.pop_back();
  return replay_tail();
}

Status Segment::shrink_file(std::uint64_t size) {
  if (loaded_) {
    while (!offsets_.empty() && offsets_.back().position >= size) offsets_.pop_back();
  }
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  PENSTOCK_RETURN_IF_ERROR(log->truncate(size));
  size_ = size;
  return {};
}

Status Segment::replay_tail() {
  PENSTOCK_ASSERT(loaded_);
  PENSTOCK_ASSIGN_OR_RETURN(const auto log, file());
  const std::uint64_t from = offsets_.empty() ? 0 : offsets_.back().position;
  HeaderWalker walker(*log, from, size_);
  const std::vector<OffsetEntry> offsets_before = offsets_;
  const std::vector<TimeEntry> times_before = times_;
  const std::size_t offsets_stored = offsets_stored_;
  const std::size_t times_stored = times_stored_;
  reset_index();
  last_loaded_time_.reset();
  loaded_times_until_ = from;
  bool first = true;
  std::size_t next_time = 0;
  while (true) {
    PENSTOCK_ASSIGN_OR_RETURN(const bool more, walker.next());
    if (!more) break;
    if (first) {
      // Back to the state in front of the first batch; the batch of an index entry then makes its
      // entry again.
      offsets_ = offsets_before;
      times_ = times_before;
      while (!times_.empty() && base_ + times_.back().relative >= walker.header().base_offset)
        times_.pop_back();
      next_time = times_.size();
      if (!times_.empty()) last_loaded_time_ = times_.back();
      if (!times_.empty()) {
        max_timestamp_ms_ = times_.back().timestamp_ms;
        max_timestamp_offset_ = base_ + times_.back().relative;
      }
      if (!offsets_.empty()) {
        offsets_.pop_back();
        bytes_since_entry_ = std::uint64_t{interval_} + 1;
      }
      first = false;
    }
    add(walker.header(), walker.position());
    // A time entry that a clean close wrote is no part of the pattern, but it is right.
    for (; next_time < times_before.size(); ++next_time) {
      const TimeEntry& kept = times_before[next_time];
      if (base_ + kept.relative > walker.header().last_offset()) break;
      if (kept.timestamp_ms == max_timestamp_ms_ &&
          base_ + kept.relative == max_timestamp_offset_ &&
          (times_.empty() || times_.back().timestamp_ms < kept.timestamp_ms))
        times_.push_back(kept);
    }
  }
  // What the files hold stays; the rest follows with the next entries. A start changes no file that
  // is right: each change may have to wait for a busy disk.
  if (begin_alike(offsets_before, offsets_, offsets_stored) &&
      begin_alike(times_before, times_, times_stored)) {
    offsets_stored_ = offsets_stored;
    times_stored_ = times_stored;
    stored_log_bytes_ = from;
    return {};
  }
  const auto stored = rewrite_index_files();
  if (!stored && stored.error().code != Errc::kStorageFull) return stored;
  return {};
}

std::optional<std::int64_t> Segment::first_timestamp_ms() {
  if (first_timestamp_ms_ || size_ == 0) return first_timestamp_ms_;
  const auto log = file();
  if (!log) return std::nullopt;
  HeaderWalker walker(**log, 0, size_);
  if (const auto more = walker.next(); more && *more)
    first_timestamp_ms_ = walker.header().max_timestamp_ms;
  return first_timestamp_ms_;
}

std::vector<std::string> Segment::paths() const {
  return {path(".log"), path(".index"), path(".timeindex"), path(".txnindex"), stem_ + ".snapshot"};
}

}  // namespace penstock::log
