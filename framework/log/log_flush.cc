#include <algorithm>

#include "framework/log/log_impl.h"

namespace penstock::log {
namespace {

constexpr std::uint64_t kSnapshotBytes = 16U << 20;
constexpr std::int64_t kSnapshotNs = 4'000'000'000;

}  // namespace

Status FlushTask::run(FileSystem& system) const {
  for (const auto& file : files) PENSTOCK_RETURN_IF_ERROR(file->sync());
  for (const std::string& directory : directories)
    PENSTOCK_RETURN_IF_ERROR(system.sync_directory(directory));
  if (!snapshot) return {};
  const Status stored = names->change([&]() -> Status {
    std::shared_ptr<File> written;
    PENSTOCK_RETURN_IF_ERROR(
        replace_file(system, snapshot->path, as_text(snapshot->bytes), written));
    // One that stays is removed by the next open.
    if (!snapshot->replaces.empty() && !system.remove(snapshot->replaces)) return {};
    return {};
  });
  // It is a cache; and the log may be gone, with its directory.
  const bool no_matter = !stored && (stored.error().code == Errc::kStorageFull ||
                                     stored.error().code == Errc::kNotFound ||
                                     stored.error().code == Errc::kCancelled);
  return no_matter ? Status() : stored;
}

// A start after a crash reads what was appended behind the newest snapshot. Writing one costs less
// than the appends since the last one did.
std::optional<FlushTask::Snapshot> LogImpl::due_snapshot() {
  const std::uint64_t appended = appended_bytes_ - snapshot_bytes_;
  if (end_ == snapshot_at_ || appended < producers_.encoded_bytes() || !unstored_aborted_.empty())
    return std::nullopt;
  if (appended < kSnapshotBytes && clock_.steady_ns() - snapshot_ns_ < kSnapshotNs)
    return std::nullopt;
  snapshot_bytes_ = appended_bytes_;
  snapshot_ns_ = clock_.steady_ns();
  snapshot_under_way_ = end_;
  return FlushTask::Snapshot{segment_stem(directory_, end_) + ".snapshot", producers_.encode(),
                             snapshot_path_};
}

std::optional<FlushTask> LogImpl::begin_flush() {
  if (offline_) return std::nullopt;
  if (auto stored = store_aborted(); !stored) {
    set_offline(std::move(stored).error());
    return std::nullopt;
  }
  if (flushed_end_ == end_ && directory_changes_ == directory_changes_synced_ && !epoch_file_ &&
      txn_files_.empty())
    return std::nullopt;
  FlushTask task;
  task.generation = generation_;
  task.up_to = end_;
  task.directory_changes = directory_changes_;
  for (std::size_t index = segment_of(flushed_end_);
       flushed_end_ < end_ && index < segments_.size(); ++index) {
    auto file = segments_[index]->file();
    if (!file) {
      set_offline(file.error());
      return std::nullopt;
    }
    task.files.push_back(std::move(*file));
  }
  for (const auto& [path, file] : txn_files_) task.files.push_back(file);
  txn_since_begin_.clear();
  if (epoch_file_) task.files.push_back(epoch_file_);
  if (directory_changes_ != directory_changes_synced_) task.directories.push_back(directory_);
  task.snapshot = due_snapshot();
  task.names = names_;
  return task;
}

void LogImpl::apply_flush(const FlushTask& task) {
  if (task.snapshot) snapshot_under_way_ = Offset::kNone;
  if (task.generation != generation_) {
    // Of a history that was truncated. An open removes what is left.
    if (task.snapshot && !system_.remove(task.snapshot->path)) return;
    return;
  }
  if (task.snapshot) {
    snapshot_at_ = task.up_to;
    // A segment's own stays as long as the segment.
    const bool own = segments_[segment_of(task.up_to)]->base() == task.up_to;
    snapshot_path_ = own ? "" : task.snapshot->path;
  }
  // What was written while the task ran may have missed its sync.
  std::erase_if(txn_files_, [&](const auto& item) {
    return !txn_since_begin_.contains(item.first) &&
           std::find(task.files.begin(), task.files.end(), item.second) != task.files.end();
  });
  if (task.up_to > flushed_end_) set_flushed_end(task.up_to);
  directory_changes_synced_ = std::max(directory_changes_synced_, task.directory_changes);
  if (!swapped_.empty() && directory_changes_synced_ >= swaps_durable_at_) {
    if (auto finished = finish_swaps(); !finished) set_offline(std::move(finished).error());
  }
  if (epoch_file_ && !task.files.empty() && task.files.back() == epoch_file_) epoch_file_.reset();
}

Status LogImpl::close() {
  PENSTOCK_RETURN_IF_ERROR(check_online());
  cancel_compaction();
  const bool as_opened = appended_bytes_ == 0 && snapshot_at_ == end_ && flushed_end_ == end_ &&
                         directory_changes_ == directory_changes_synced_ && !epoch_file_ &&
                         txn_files_.empty() && !active().is_open();
  if (!as_opened) PENSTOCK_RETURN_IF_ERROR(close_active());
  PENSTOCK_RETURN_IF_ERROR(check_online());
  if (!dropped_.empty()) PENSTOCK_RETURN_IF_ERROR(unlink_now());
  ++generation_;
  offline_ = Error{Errc::kOffline, "the log was closed"};
  for (const auto& segment : segments_) segment->drop_caches();
  return {};
}

Status LogImpl::close_active() {
  PENSTOCK_RETURN_IF_ERROR(active().file().map([](const auto&) {}));
  // A full disk must not keep a log from being closed cleanly: indexes and snapshot are caches.
  if (auto sealed = active().seal(); !sealed && sealed.error().code != Errc::kStorageFull)
    return sealed;
  if (auto written = write_snapshot(end_); !written && written.error().code != Errc::kStorageFull)
    return written;
  ++directory_changes_;
  if (const auto task = begin_flush()) {
    if (auto done = task->run(system_); !done) {
      set_offline(done.error());
      return done;
    }
    apply_flush(*task);
  }
  return {};
}

}  // namespace penstock::log
