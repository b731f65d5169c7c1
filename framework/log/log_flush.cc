#include "framework/log/log_impl.h"

namespace penstock::log {

Status FlushTask::run(FileSystem& system) const {
  for (const auto& file : files) PENSTOCK_RETURN_IF_ERROR(file->sync());
  for (const std::string& directory : directories)
    PENSTOCK_RETURN_IF_ERROR(system.sync_directory(directory));
  return {};
}

std::optional<FlushTask> LogImpl::begin_flush() {
  if (offline_ ||
      (flushed_end_ == end_ && directory_changes_ == directory_changes_synced_ && !epoch_file_))
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
  if (epoch_file_) task.files.push_back(epoch_file_);
  if (directory_changes_ != directory_changes_synced_) task.directories.push_back(directory_);
  return task;
}

void LogImpl::apply_flush(const FlushTask& task) {
  if (task.generation != generation_) return;
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
  PENSTOCK_RETURN_IF_ERROR(check_online());
  ++generation_;
  offline_ = Error{Errc::kOffline, "the log was closed"};
  for (const auto& segment : segments_) segment->drop_caches();
  return {};
}

}  // namespace penstock::log
