#include "framework/log/removal.h"

#include <algorithm>

namespace penstock::log {

Result<bool> RemovalTask::expired(Candidate& candidate) {
  if (retention_ms < 0) return false;
  std::int64_t newest = candidate.newest_ms.value_or(-1);
  if (candidate.twin) {
    PENSTOCK_ASSIGN_OR_RETURN(newest, candidate.twin->retention_timestamp_ms());
  }
  if (now_ms - newest <= retention_ms) return false;
  if (!candidate.twin) return true;
  looked_at = candidate.base;
  // Before anything is deleted by a timestamp in an index, the index is compared with the log.
  Segment::Judge judge;
  judge.epochs = &epochs;
  judge.contiguous = contiguous;
  if (!candidate.active) judge.next_segment = candidate.next;
  PENSTOCK_RETURN_IF_ERROR(candidate.twin->check_times(judge));
  return now_ms - candidate.twin->max_timestamp_ms() > retention_ms;
}

Status RemovalTask::decide() {
  std::size_t going = 0;
  for (; going < candidates.size(); ++going) {
    Candidate& candidate = candidates[going];
    // Of an earlier removal that a crash cut short.
    if (!candidate.active && candidate.next <= log_start) continue;
    PENSTOCK_ASSIGN_OR_RETURN(const bool old, expired(candidate));
    if (!old) break;
    if (!candidate.active) continue;
    roll = true;
    break;
  }
  std::uint64_t left = log_bytes;
  for (std::size_t i = 0; i < going; ++i) left -= candidates[i].size;
  while (retention_bytes >= 0 && going < candidates.size() && !candidates[going].active &&
         left - candidates[going].size >= static_cast<std::uint64_t>(retention_bytes)) {
    left -= candidates[going].size;
    ++going;
  }
  more = more && going == candidates.size();
  if (going > 0) start = std::max(log_start, candidates[going - 1].next);
  return {};
}

Status RemovalTask::run() {
  if (asked != Offset::kNone)
    start = asked;
  else
    PENSTOCK_RETURN_IF_ERROR(decide());
  if (start == Offset::kNone) return {};
  const Status durable =
      names->change([this] { return before_remove ? before_remove(start) : Status(); });
  if (!durable) {
    start = Offset::kNone;
    roll = more = false;
  }
  return durable;
}

Status UnlinkTask::run(FileSystem& system) {
  for (const auto& files : renames) {
    // The segment that stays must be durable before the others go, else a power cut could leave
    // none of them; and they go one after the other, or it could take a later one only.
    if (renamed > 0 || sync_first) {
      if (auto synced = system.sync_directory(directory); !synced) {
        sync_failed = true;
        return synced;
      }
    }
    const auto rename = [&]() -> Status {
      for (const std::string& path : files) {
        if (system.exists(path))
          PENSTOCK_RETURN_IF_ERROR(system.rename(path, path + kDeletedSuffix));
      }
      return {};
    };
    PENSTOCK_RETURN_IF_ERROR(names->change(rename));
    ++renamed;
  }
  for (const std::string& path : unlinks) {
    // One that is gone or cannot be removed now is tried again by the next open.
    const Status removed = names->change([&] { return system.remove(path); });
    if (!removed && removed.error().code == Errc::kCancelled) return removed;
  }
  return {};
}

}  // namespace penstock::log
