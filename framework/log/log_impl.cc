#include "framework/log/log_impl.h"

#include <algorithm>

#include "framework/base/assert.h"
#include "framework/base/crc32c.h"
#include "framework/log/damage_note.h"

namespace penstock::log {
namespace {

constexpr std::uint64_t kSegmentBytesMax =
    INT32_MAX;  // index entries hold 32-bit positions, and Kafka reads them as signed
constexpr std::size_t kColdFilesOpenMax = 8;

}  // namespace

Segment::Judge LogImpl::judge_of(std::size_t index) const {
  Segment::Judge judge;
  judge.epochs = &epochs_;
  judge.contiguous = contiguous();
  if (index + 1 < segments_.size()) judge.next_segment = segments_[index + 1]->base();
  return judge;
}

std::size_t LogImpl::segment_of(Offset offset) const {
  const auto behind =
      std::upper_bound(segments_.begin(), segments_.end(), offset,
                       [](Offset value, const auto& segment) { return value < segment->base(); });
  return behind == segments_.begin() ? 0 : static_cast<std::size_t>(behind - segments_.begin()) - 1;
}

void LogImpl::set_flushed_end(Offset to) {
  flushed_end_ = to;
  durable_limit_->store(to.value, std::memory_order_release);
}

// Segments that are not durable yet keep their file: an fsync error must reach the descriptor that
// wrote.
void LogImpl::keep_few_files_open(std::size_t used) {
  if (used + 1 >= segments_.size()) return;
  Segment* segment = segments_[used].get();
  if (!lately_used_.empty() && lately_used_.back() == segment) return;
  std::erase(lately_used_, segment);
  lately_used_.push_back(segment);
  for (std::size_t i = 0; lately_used_.size() > kColdFilesOpenMax && i + 1 < lately_used_.size();) {
    if (next_base(segment_of(lately_used_[i]->base())) > flushed_end_) {
      ++i;
      continue;
    }
    lately_used_[i]->drop_caches();
    lately_used_.erase(lately_used_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void LogImpl::set_offline(Error why) {
  if (offline_) return;
  // Without the note the next open would take appends until somebody meets the damage again.
  if (why.code == Errc::kCorrupt && damaged_) {
    if (auto noted = write_damage_note(system_, directory_, *damaged_, why.text); !noted)
      why.text += " (and that could not be noted: " + noted.error().text + ")";
  }
  offline_ = std::move(why);
}

void LogImpl::note_damage(std::size_t index, const Error& error) {
  if (error.code == Errc::kCorrupt && index < segments_.size()) damaged_ = segments_[index]->base();
}

Status LogImpl::check_online() const {
  if (offline_) return fail(Errc::kOffline, directory_ + " is offline: " + offline_->text);
  return {};
}

Result<AppendInfo> LogImpl::append(ByteSpan batches, LeaderEpoch epoch) {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  if (epoch.value >= 0 && epoch < epochs_.latest()) {
    return fail(Errc::kInvalid, directory_ + ": append in leader epoch " +
                                    std::to_string(epoch.value) + ", but " +
                                    std::to_string(epochs_.latest().value) + " has begun");
  }
  Incoming incoming;
  incoming.base = end_;
  Offset next = end_;
  for (std::size_t at = 0; at < batches.size();) {
    const auto batch = record::BatchView::parse(batches.subspan(at));
    if (!batch) return tl::make_unexpected(batch.error().in("append to " + directory_));
    record::set_base_offset_and_epoch(batches.subspan(at), next, epoch);
    next = next + (std::int64_t{batch->header().last_offset_delta} + 1);
    incoming.max_timestamp_ms =
        std::max(incoming.max_timestamp_ms, batch->header().max_timestamp_ms);
    at += batch->header().size_bytes();
  }
  if (batches.empty()) return fail(Errc::kInvalid, directory_ + ": append of nothing");
  incoming.last = next - 1;
  if (epoch > epochs_.latest()) PENSTOCK_RETURN_IF_ERROR(begin_epoch(epoch));
  return write(batches, incoming);
}

Result<AppendInfo> LogImpl::append_as_is(ByteView batches) {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  Incoming incoming;
  Offset next = end_;
  LeaderEpoch epoch = epochs_.latest();
  EpochCache epochs = epochs_;
  for (std::size_t at = 0; at < batches.size();) {
    const auto batch = record::BatchView::parse(batches.subspan(at));
    if (!batch) return tl::make_unexpected(batch.error().in("append to " + directory_));
    const record::BatchHeader& header = batch->header();
    if (header.base_offset < next ||
        (contiguous() && header.base_offset != next && end_ != start_)) {
      return fail(Errc::kInvalid,
                  directory_ + ": batch at offset " + std::to_string(header.base_offset.value) +
                      " does not continue the log, which ends at " + std::to_string(next.value));
    }
    if (header.leader_epoch < epoch) {
      return fail(Errc::kInvalid, directory_ + ": batch at offset " +
                                      std::to_string(header.base_offset.value) +
                                      " has an old leader epoch");
    }
    epoch = header.leader_epoch;
    epochs.assign(epoch, header.base_offset);
    if (at == 0) incoming.base = header.base_offset;
    next = header.last_offset() + 1;
    incoming.max_timestamp_ms = std::max(incoming.max_timestamp_ms, header.max_timestamp_ms);
    at += header.size_bytes();
  }
  if (batches.empty()) return fail(Errc::kInvalid, directory_ + ": append of nothing");
  incoming.last = next - 1;
  if (epochs.entries() != epochs_.entries()) {
    std::swap(epochs, epochs_);
    if (auto stored = store_epochs(); !stored) {
      std::swap(epochs, epochs_);
      return tl::make_unexpected(std::move(stored).error());
    }
  }
  // A follower that begins beyond an empty log's end starts there.
  if (end_ == start_ && incoming.base > end_ && contiguous()) {
    PENSTOCK_RETURN_IF_ERROR(restart_at(incoming.base));
  }
  return write(batches, incoming);
}

Status LogImpl::restart_at(Offset base) {
  if (compacting_) return fail(Errc::kBusy, directory_ + " is being compacted");
  if (removing_to_) return fail(Errc::kBusy, directory_ + ": records are being removed");
  PENSTOCK_RETURN_IF_ERROR(add_segment(base));
  end_ = base;
  if (before_remove_) PENSTOCK_RETURN_IF_ERROR(before_remove_(base));
  start_ = base;
  PENSTOCK_RETURN_IF_ERROR(remove_below_start());
  return unlink_now();
}

Result<AppendInfo> LogImpl::write(ByteView batches, const Incoming& incoming) {
  PENSTOCK_RETURN_IF_ERROR(load_active());
  PENSTOCK_RETURN_IF_ERROR(roll_if_needed(incoming, batches.size()));
  Segment& segment = active();
  PENSTOCK_RETURN_IF_ERROR(segment.file().map([](const auto&) {}));
  std::uint64_t position = segment.size();
  if (auto written = segment.write(batches); !written) {
    if (auto cut = segment.cut_back(); !cut) set_offline(cut.error());
    if (written.error().code != Errc::kStorageFull) set_offline(written.error());
    return tl::make_unexpected(std::move(written).error());
  }
  for (std::size_t at = 0; at < batches.size();) {
    const auto batch = record::BatchView::parse(batches.subspan(at));
    PENSTOCK_ASSERT(batch.has_value());
    segment.add(batch->header(), position);
    if (auto taken = take_in(*batch, segment.base()); !taken) set_offline(std::move(taken).error());
    at += batch->header().size_bytes();
    position += batch->header().size_bytes();
  }
  end_ = incoming.last + 1;
  size_bytes_ += batches.size();
  appended_bytes_ += batches.size();
  if (auto stored = segment.store_indexes(false); !stored) set_offline(std::move(stored).error());
  return AppendInfo{incoming.base, incoming.last, incoming.max_timestamp_ms, appended_bytes_};
}

Status LogImpl::take_in(const record::BatchView& batch, Offset segment_base) {
  const record::BatchHeader& header = batch.header();
  if (header.producer_id.value < 0) return {};
  std::optional<record::Marker> marker;
  if (header.control()) {
    PENSTOCK_ASSIGN_OR_RETURN(marker, record::read_marker(batch));
  }
  const auto aborted =
      producers_.appended(header, marker ? std::optional(marker->type) : std::nullopt,
                          marker ? marker->coordinator_epoch : -1);
  if (!aborted) return {};
  unstored_aborted_.emplace_back(segment_base, *aborted);
  return store_aborted();
}

// A full disk is no error: they stay in memory, and no snapshot is written meanwhile.
Status LogImpl::store_aborted() {
  while (!unstored_aborted_.empty()) {
    const auto& [base, aborted] = unstored_aborted_.front();
    const std::string path = segment_stem(directory_, base) + ".txnindex";
    auto& file = txn_files_[path];
    if (!file) {
      auto opened = system_.open(path, OpenMode::kCreate);
      if (!opened) {
        txn_files_.erase(path);
        if (opened.error().code == Errc::kStorageFull) return {};
        return tl::make_unexpected(std::move(opened).error());
      }
      file = std::move(*opened);
      ++directory_changes_;
      Segment& segment = *segments_[segment_of(base)];
      if (segment.base() == base) segment.note_txn_index();
    }
    txn_since_begin_.insert(path);
    if (auto written = append_txn_index(*file, aborted); !written)
      return written.error().code == Errc::kStorageFull ? Status() : written;
    unstored_aborted_.erase(unstored_aborted_.begin());
  }
  return {};
}

Status LogImpl::roll_if_needed(const Incoming& incoming, std::size_t bytes) {
  Segment& segment = active();
  if (segment.size() == 0 && incoming.last - segment.base() <= INT32_MAX) return {};
  const auto size_max =
      std::min(kSegmentBytesMax,
               static_cast<std::uint64_t>(std::max<std::int64_t>(config_.segment_bytes, 1)));
  bool full = segment.size() + bytes > size_max || incoming.last - segment.base() > INT32_MAX ||
              (segment.index_entries() + 1) * OffsetEntry::kBytes >
                  static_cast<std::uint64_t>(config_.segment_index_bytes);
  if (!full) {
    const auto first = segment.first_timestamp_ms();
    const std::int64_t age = first && *first >= 0 && incoming.max_timestamp_ms >= 0
                                 ? incoming.max_timestamp_ms - *first
                                 : clock_.wall_ms() - active_since_ms_;
    const bool compacts = config_.cleanup_policy != CleanupPolicy::kDelete;
    const std::int64_t age_max = config_.segment_ms - roll_jitter_ms(segment.base());
    full = age > (compacts ? std::min(age_max, config_.max_compaction_lag_ms) : age_max);
  }
  return full ? roll() : Status();
}

/// Spreads the rolls of logs that began together: another time for each log and segment, the same
/// one whenever it is asked for.
std::int64_t LogImpl::roll_jitter_ms(Offset base) const {
  const std::int64_t most = std::min(config_.segment_jitter_ms, config_.segment_ms);
  if (most <= 0) return 0;
  const std::string seed = directory_ + "/" + std::to_string(base.value);
  return static_cast<std::int64_t>(crc32c(as_bytes(seed)) * 0x9E3779B9ULL %
                                   static_cast<std::uint64_t>(most));
}

Status LogImpl::roll() {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  if (active().size() == 0) return {};
  PENSTOCK_RETURN_IF_ERROR(load_active());
  // A full disk must leave the log as before: nothing of the old segment changes until the new one
  // exists.
  PENSTOCK_RETURN_IF_ERROR(add_segment(end_));
  Segment& old = *segments_[segments_.size() - 2];
  if (auto sealed = old.seal(); !sealed && sealed.error().code != Errc::kStorageFull) {
    set_offline(sealed.error());
    return sealed;
  }
  keep_few_files_open(segments_.size() - 2);
  if (auto written = write_snapshot(end_); !written && written.error().code != Errc::kStorageFull) {
    set_offline(written.error());
    return written;
  }
  return {};
}

Status LogImpl::load_active() {
  auto loaded = active().load(judge_of(segments_.size() - 1));
  if (!loaded && loaded.error().code == Errc::kCorrupt) {
    note_damage(segments_.size() - 1, loaded.error());
    set_offline(loaded.error());
  }
  return loaded;
}

Status LogImpl::add_segment(Offset base) {
  auto segment =
      std::make_unique<Segment>(system_, directory_, base, 0, config_.index_interval_bytes);
  if (auto created = segment->create(); !created) {
    if (created.error().code != Errc::kStorageFull) set_offline(created.error());
    return created;
  }
  ++directory_changes_;
  segments_.push_back(std::move(segment));
  active_since_ms_ = clock_.wall_ms();
  return {};
}

Status LogImpl::write_snapshot(Offset at) {
  // Without its aborted transactions on disk a snapshot would hide them.
  if (!unstored_aborted_.empty()) return fail(Errc::kStorageFull, directory_);
  if (at == snapshot_under_way_) return {};
  std::shared_ptr<File> written;
  PENSTOCK_RETURN_IF_ERROR(replace_file(system_, segment_stem(directory_, at) + ".snapshot",
                                        as_text(producers_.encode()), written));
  snapshot_at_ = at;
  snapshot_bytes_ = appended_bytes_;
  snapshot_ns_ = clock_.steady_ns();
  return {};
}

Status LogImpl::begin_epoch(LeaderEpoch epoch) {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  if (epoch == epochs_.latest()) return {};
  if (epoch < epochs_.latest()) {
    return fail(Errc::kInvalid, directory_ + ": leader epoch " + std::to_string(epoch.value) +
                                    " is older than " + std::to_string(epochs_.latest().value));
  }
  const EpochCache before = epochs_;
  if (!epochs_.assign(epoch, end_)) return {};
  auto stored = store_epochs();
  if (!stored) epochs_ = before;
  return stored;
}

Status LogImpl::store_epochs() {
  return replace_file(system_, directory_ + "/leader-epoch-checkpoint", epochs_.encode(),
                      epoch_file_)
      .map([this] { ++directory_changes_; });
}

}  // namespace penstock::log
