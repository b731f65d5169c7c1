#include <algorithm>

#include "framework/log/checkpoint_file.h"
#include "framework/log/damage_note.h"
#include "framework/log/log_impl.h"

namespace penstock::log {
namespace {

constexpr std::size_t kEpochFileBytesMax = 16U << 20;
constexpr std::size_t kSnapshotBytesMax = 1U << 30;
constexpr std::size_t kNameDigits = 20;
constexpr const char* kEpochFile = "leader-epoch-checkpoint";

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::binary_search(names.begin(), names.end(), name);
}

bool ends_with(std::string_view name, std::string_view suffix) {
  return name.size() >= suffix.size() && name.substr(name.size() - suffix.size()) == suffix;
}

/// The base offset in "%020d<suffix>".
std::optional<Offset> offset_in_name(std::string_view name, std::string_view suffix) {
  if (name.size() != kNameDigits + suffix.size() || !ends_with(name, suffix)) return std::nullopt;
  std::int64_t offset = 0;
  if (!parse_number(name.substr(0, kNameDigits), offset) || offset < 0) return std::nullopt;
  return Offset(offset);
}

}  // namespace

Result<std::unique_ptr<Log>> Log::open(FileSystem& system, const Clock& clock,
                                       std::string directory, const LogConfig& config,
                                       const RecoveryHint& hint, RecoveryReport& report) {
  auto log = LogImpl::open(system, clock, std::move(directory), config, hint, report);
  if (!log) return tl::make_unexpected(std::move(log).error());
  return std::unique_ptr<Log>(std::move(*log));
}

Result<std::unique_ptr<LogImpl>> LogImpl::open(FileSystem& system, const Clock& clock,
                                               std::string directory, const LogConfig& config,
                                               const RecoveryHint& hint, RecoveryReport& report) {
  std::unique_ptr<LogImpl> log(new LogImpl(system, clock, std::move(directory), config));
  PENSTOCK_RETURN_IF_ERROR(log->open_files(hint, report));
  return log;
}

Status LogImpl::create_directory(const RecoveryHint& hint) {
  if (std::max(hint.recovery_point, hint.clean_end.value_or(Offset(0))).value > 0) {
    return fail(Errc::kCorrupt,
                directory_ + " is missing, but its records below offset " +
                    std::to_string(hint.recovery_point.value) +
                    " were durable. Restore the directory from a copy, or delete the topic");
  }
  PENSTOCK_RETURN_IF_ERROR(system_.create_directories(directory_));
  const std::size_t slash = directory_.rfind('/');
  return system_.sync_directory(slash == std::string::npos ? "." : directory_.substr(0, slash));
}

// A start opens every partition there is: one listing tells what there is to read.
Status LogImpl::open_files(const RecoveryHint& hint, RecoveryReport& report) {
  auto listed = system_.list(directory_);
  if (!listed && listed.error().code != Errc::kNotFound)
    return tl::make_unexpected(std::move(listed).error());
  Names names = listed ? std::move(*listed) : Names();
  if (names.empty() && !system_.exists(directory_))
    PENSTOCK_RETURN_IF_ERROR(create_directory(hint));
  PENSTOCK_RETURN_IF_ERROR(complete_swaps(system_, directory_, names, report.notes));
  PENSTOCK_RETURN_IF_ERROR(find_segments(hint, names, report));
  PENSTOCK_RETURN_IF_ERROR(load_epochs(hint, names, report));
  if (segments_.empty()) {
    PENSTOCK_RETURN_IF_ERROR(add_segment(hint.log_start.value_or(Offset(0))));
    start_ = end_ = active().base();
    set_flushed_end(start_);
    return {};
  }
  for (const auto& segment : segments_) size_bytes_ += segment->size();
  if (vouched_for(hint, names)) {
    end_ = *hint.clean_end;
    active().defer_tail(end_);
  } else {
    PENSTOCK_RETURN_IF_ERROR(recover_tail(hint, report));
  }
  start_ = std::min(std::max(segments_.front()->base(), hint.log_start.value_or(Offset(0))), end_);
  const Offset trusted = std::max(hint.recovery_point, hint.clean_end.value_or(Offset(0)));
  set_flushed_end(std::min(trusted, end_));
  active_since_ms_ = clock_.wall_ms();
  if (!hint.clean_end) {
    // Names, epochs and aborted transactions that the last process left may be in memory only.
    ++directory_changes_;
    if (has(names, kEpochFile)) {
      PENSTOCK_ASSIGN_OR_RETURN(epoch_file_,
                                system_.open(directory_ + "/" + kEpochFile, OpenMode::kReadWrite));
    }
    for (std::size_t i = segment_of(trusted); i < segments_.size(); ++i) {
      const std::string path = segments_[i]->stem() + ".txnindex";
      if (!has(names, path.substr(directory_.size() + 1))) continue;
      PENSTOCK_ASSIGN_OR_RETURN(txn_files_[path], system_.open(path, OpenMode::kReadWrite));
    }
  }
  if (epochs_.truncate_end(end_ + 1)) PENSTOCK_RETURN_IF_ERROR(store_epochs());
  // A power cut may have taken the transaction index that goes with a later snapshot.
  const bool power_cut = !hint.same_boot && !hint.clean_end;
  PENSTOCK_RETURN_IF_ERROR(restore_producers(power_cut ? std::min(trusted, end_) : end_, names));
  if (has(names, kDamageNote)) {
    if (damaged_ && !report.loss_accepted)
      report.notes.push_back(directory_ + ": the damage that was noted is gone");
    PENSTOCK_RETURN_IF_ERROR(system_.remove(directory_ + "/" + kDamageNote));
    PENSTOCK_RETURN_IF_ERROR(system_.sync_directory(directory_));
    damaged_.reset();
  }
  const std::string accept = directory_ + "/" + kAcceptLossFile;
  if (report.loss_accepted) {
    report.notes.push_back(directory_ + ": the log is now " + std::to_string(start_.value) + ".." +
                           std::to_string(end_.value) + ", a loss that was accepted by " + accept);
    PENSTOCK_RETURN_IF_ERROR(system_.remove(accept));
  }
  return {};
}

// Whether a clean stop left the log as it is: then nothing has to be read, save for what tells a
// stop that lost nothing from one that did. The size of the files does: a missing end shows, and
// what is damaged within shows when it is read.
bool LogImpl::vouched_for(const RecoveryHint& hint, const Names& names) const {
  if (!hint.clean_end || hint.clean_bytes != size_bytes_ || has(names, kDamageNote) ||
      has(names, kAcceptLossFile))
    return false;
  const Segment& active = *segments_.back();
  if (*hint.clean_end < active.base() || hint.recovery_point > *hint.clean_end) return false;
  const auto there = [&](Offset base, const char* kind) {
    return has(names, segment_stem("", base).substr(1) + kind);
  };
  return there(active.base(), ".index") && there(active.base(), ".timeindex") &&
         there(*hint.clean_end, ".snapshot");
}

Status LogImpl::find_segments(const RecoveryHint& hint, const Names& names,
                              RecoveryReport& report) {
  if (has(names, kDamageNote)) damaged_ = read_damage_note(system_, directory_);
  cleaned_to_ = hint.cleaned_to;
  Deleted leftovers;
  for (const std::string& name : names) {
    const std::string path = directory_ + "/" + name;
    if (ends_with(name, ".deleted") || ends_with(name, ".tmp")) leftovers.paths.push_back(path);
    const auto base = offset_in_name(name, ".log");
    if (!base) continue;
    PENSTOCK_ASSIGN_OR_RETURN(const FileStatus status, system_.status(path));
    segments_.push_back(std::make_unique<Segment>(system_, directory_, *base, status.size,
                                                  config_.index_interval_bytes));
  }
  // What a removal left that was cut short is no part of the log: bytes of it that were not synced
  // may be gone.
  std::size_t removed = 0;
  while (hint.log_start && removed + 1 < segments_.size() &&
         segments_[removed + 1]->base() <= *hint.log_start)
    dropped_.push_back(segments_[removed++]->paths());
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(removed));
  const Offset trusted = std::max(hint.recovery_point, hint.clean_end.value_or(Offset(0)));
  if (segments_.empty() && trusted > hint.log_start.value_or(Offset(0))) {
    return fail(Errc::kCorrupt,
                directory_ + " holds no segment, but its records below offset " +
                    std::to_string(trusted.value) +
                    " were durable. Restore the files from a copy, or delete the topic");
  }
  const bool start_known = hint.log_start && (hint.clean_end || hint.log_start_exact);
  if (!segments_.empty() && start_known && segments_.front()->base() > *hint.log_start) {
    const Offset first = segments_.front()->base();
    if (accepted_loss(system_, directory_) != first) {
      return fail(Errc::kCorrupt, segment_stem(directory_, first) +
                                      ".log is the first segment, but the log begins at offset " +
                                      std::to_string(hint.log_start->value) +
                                      ": older segments are missing. Restore the files from a "
                                      "copy, or give up all records below: echo " +
                                      std::to_string(first.value) + " > " + directory_ + "/" +
                                      kAcceptLossFile + ", then restart");
    }
    report.loss_accepted = true;
  }
  report.scanned = !hint.clean_end && !segments_.empty();
  if (!leftovers.paths.empty()) deleted_.push_back(std::move(leftovers));
  return {};
}

Status LogImpl::load_epochs(const RecoveryHint& hint, const Names& names, RecoveryReport& report) {
  const std::string path = directory_ + "/" + kEpochFile;
  if (!has(names, kEpochFile)) {
    // Written before the first batch; only a power cut can have kept the batch and not the file.
    // Kafka's own logs may lack it as well.
    return segments_.empty() ? Status() : rebuild_epochs();
  }
  PENSTOCK_ASSIGN_OR_RETURN(const std::string text, read_file(system_, path, kEpochFileBytesMax));
  auto decoded = epochs_.decode(text);
  if (decoded) return {};
  if (hint.same_boot || hint.clean_end) {
    return fail(Errc::kCorrupt,
                path + ": " + decoded.error().text +
                    ". Restore it from a copy, or remove it to have it made anew from the batches");
  }
  report.notes.push_back(path + ": " + decoded.error().text + "; made anew from the batches");
  return rebuild_epochs();
}

// From sound batches only: a header that a power cut left in pieces says anything. What follows
// damage is for the recovery to judge.
Status LogImpl::rebuild_epochs() {
  epochs_.clear();
  bool damaged = false;
  for (const auto& segment : segments_) {
    if (damaged) break;
    PENSTOCK_ASSIGN_OR_RETURN(const auto file, segment->file());
    ScanRange range;
    range.end = range.file_size = segment->size();
    range.expected = segment->base();
    range.contiguous = contiguous();
    PENSTOCK_ASSIGN_OR_RETURN(
        const ScanResult scan,
        scan_batches(*file, range, [&](const record::BatchView& batch, std::uint64_t) {
          epochs_.assign(batch.header().leader_epoch, batch.header().base_offset);
        }));
    damaged = scan.damage.has_value();
  }
  return store_epochs();
}

Status LogImpl::recover_tail(const RecoveryHint& hint, RecoveryReport& report) {
  PENSTOCK_ASSIGN_OR_RETURN(
      const TailPlan plan,
      plan_recovery(system_, directory_, segments_, &epochs_, contiguous(), hint, damaged_));
  PENSTOCK_RETURN_IF_ERROR(apply_plan(system_, directory_, segments_, plan, report));
  if (plan.action != TailPlan::Action::kKeep) {
    size_bytes_ = 0;
    for (const auto& segment : segments_) size_bytes_ += segment->size();
  }
  end_ = plan.end;
  PENSTOCK_RETURN_IF_ERROR(active().load(judge_of(segments_.size() - 1)));
  PENSTOCK_RETURN_IF_ERROR(active().replay_tail());
  active().set_checked_from(active().size());
  return {};
}

Status LogImpl::restore_producers(Offset snapshots_below, const Names& names) {
  producers_.clear();
  unstored_aborted_.clear();
  snapshot_at_ = Offset::kNone;
  snapshot_path_.clear();
  bool removed_later = false;
  Deleted served;
  std::vector<Offset> snapshots;
  for (const std::string& name : names) {
    if (const auto at = offset_in_name(name, ".snapshot")) snapshots.push_back(*at);
  }
  Offset from = segments_.front()->base();
  std::sort(snapshots.rbegin(), snapshots.rend());
  bool restored = false;
  for (const Offset at : snapshots) {
    const std::string path = segment_stem(directory_, at) + ".snapshot";
    if (at < segments_.front()->base()) {
      // How the transactions went on that it says are open is gone with the segments.
      served.paths.push_back(path);
      continue;
    }
    if (restored) {
      // A segment's own snapshot stays as long as the segment; one from an earlier stop has served.
      // It goes later: a change to a directory may have to wait for a busy disk.
      if (segments_[segment_of(at)]->base() != at) served.paths.push_back(path);
      continue;
    }
    const auto text = at <= snapshots_below ? read_file(system_, path, kSnapshotBytesMax)
                                            : Result<std::string>(fail(Errc::kOutOfRange, ""));
    if (text && producers_.decode(as_bytes(*text))) {
      from = std::max(from, at);
      restored = true;
      snapshot_at_ = at;
      if (segments_[segment_of(at)]->base() != at) snapshot_path_ = path;
      continue;
    }
    removed_later = removed_later || at > snapshots_below;
    PENSTOCK_RETURN_IF_ERROR(system_.remove(path));
  }
  if (!served.paths.empty()) deleted_.push_front(std::move(served));
  // It must not come back once other records have its offsets.
  if (removed_later) PENSTOCK_RETURN_IF_ERROR(system_.sync_directory(directory_));
  snapshot_bytes_ = appended_bytes_;
  if (from == end_) {
    // The index may be ahead of a log that lost its end.
    const bool indexed = has(names, segment_stem("", active().base()).substr(1) + ".txnindex");
    return indexed ? forget_aborted(active(), end_) : Status();
  }
  // What is read here the next start should not have to read again.
  snapshot_bytes_ -= size_bytes_;
  return replay_producers(from);
}

/// Drops what the segment's transaction index says of markers at or beyond `from`.
Status LogImpl::forget_aborted(const Segment& segment, Offset from) {
  const std::string path = segment.stem() + ".txnindex";
  PENSTOCK_ASSIGN_OR_RETURN(auto kept, read_txn_index(system_, path));
  const std::size_t found = kept.size();
  // A power cut may leave zeros where it had grown.
  std::erase_if(kept, [&](const ProducerState::Aborted& aborted) {
    return aborted.last >= from || aborted.last < segment.base() || aborted.first > aborted.last;
  });
  if (kept.size() == found) return {};
  PENSTOCK_RETURN_IF_ERROR(rewrite_txn_index(system_, path, kept));
  PENSTOCK_ASSIGN_OR_RETURN(txn_files_[path], system_.open(path, OpenMode::kReadWrite));
  return {};
}

Status LogImpl::replay_producers(Offset from) {
  std::vector<std::byte> bytes;
  for (std::size_t index = segment_of(from); index < segments_.size(); ++index) {
    Segment& segment = *segments_[index];
    PENSTOCK_RETURN_IF_ERROR(forget_aborted(segment, from));
    PENSTOCK_ASSIGN_OR_RETURN(const auto file, segment.file());
    std::uint64_t position = 0;
    if (from > segment.base() && index + 1 == segments_.size()) {
      PENSTOCK_RETURN_IF_ERROR(segment.load(judge_of(index)));
      PENSTOCK_ASSIGN_OR_RETURN(const auto entry, segment.entry_at_or_before(from));
      position = entry.first;
    }
    HeaderWalker walker(*file, position, segment.size());
    while (true) {
      const auto more = walker.next();
      if (!more && more.error().code == Errc::kIo) return tl::make_unexpected(more.error());
      // Damage below the recovery point in a segment that nobody has read yet: reading it reports
      // it.
      if (!more || !*more) break;
      const record::BatchHeader& header = walker.header();
      if (header.producer_id.value < 0 || header.base_offset < from) continue;
      if (!header.control()) {
        producers_.appended(header, std::nullopt, -1);
        continue;
      }
      bytes.resize(header.size_bytes());
      PENSTOCK_ASSIGN_OR_RETURN(const std::size_t got, file->read_at(walker.position(), bytes));
      if (const auto batch = record::BatchView::parse(ByteView(bytes).first(got)); batch) {
        PENSTOCK_RETURN_IF_ERROR(take_in(*batch, segment.base()));
      }
    }
  }
  return {};
}

}  // namespace penstock::log
