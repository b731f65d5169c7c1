#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/log/epoch_cache.h"
#include "framework/log/file_system.h"
#include "framework/log/name_guard.h"
#include "framework/log/segment.h"

// How the oldest records of a log go, in this order, of which each step may be the last before a
// crash: RemovalTask makes the new log start durable; apply_removal() takes the segments below it
// out of the log; UnlinkTask renames their files to .deleted, the oldest segment first, each before
// the next one durably; a later UnlinkTask unlinks them. A start in between finds whole segments
// below the log start: they are no part of the log any more, and go with the next UnlinkTask.
namespace penstock::log {

/// Moves the log start: to what DeleteRecords asked for, or behind the segments that retention no
/// longer keeps. Made on the owner shard, one at a time for each log, together with a snapshot of
/// what it needs; run() is for one pool thread and touches nothing of the log; the owner must then
/// call apply_removal() if the log is still there. It may outlive the log: run() then does nothing.
/// At most kCandidatesMax segments; what is left over is for the next task.
struct RemovalTask {
  static constexpr std::size_t kCandidatesMax = 64;
  /// One segment, the oldest first.
  struct Candidate {
    Offset base{0};
    Offset next{0};
    std::uint64_t size = 0;
    bool active = false;
    std::optional<std::int64_t> newest_ms;  // its largest timestamp; nullopt: the twin has to look
    std::unique_ptr<Segment> twin;
  };
  Offset asked = Offset::kNone;  // by DeleteRecords; kNone: retention decides
  std::vector<Candidate> candidates;
  Offset log_start{0};  // when it was made
  std::int64_t now_ms = 0;
  std::int64_t retention_ms = -1;
  std::int64_t retention_bytes = -1;
  std::uint64_t log_bytes = 0;
  EpochCache epochs;
  bool contiguous = true;
  std::uint64_t generation = 0;
  std::uint64_t layout = 0;
  std::function<Status(Offset start)> before_remove;  // makes the log start durable
  std::shared_ptr<NameGuard> names;

  /// After run(): the new log start, durable; kNone when nothing goes.
  Offset start = Offset::kNone;
  bool roll = false;                 // the active segment is to go too
  bool more = false;                 // all candidates go, and there are more segments behind them
  Offset looked_at = Offset::kNone;  // base of the last segment that was: after kCorrupt, that one

  /// Errors: kCorrupt, kIo, kStorageFull, kCancelled when the log is gone. Nothing has changed
  /// then.
  Status run();

 private:
  Result<bool> expired(Candidate& candidate);
  Status decide();
};

/// Takes the names of segments away that left the log, and unlinks what was renamed long enough
/// ago. Made on the owner shard, one at a time for each log; run() is for one pool thread and
/// touches nothing of the log; apply_unlink() must follow if the log is still there. It may outlive
/// the log: run() then does nothing. At most kUnlinksMax files are unlinked.
struct UnlinkTask {
  static constexpr std::size_t kUnlinksMax = 256;
  std::string directory;
  bool sync_first = false;                        // the segment that stays may not be durable yet
  std::vector<std::vector<std::string>> renames;  // the files of one segment each, oldest first
  std::vector<std::string> unlinks;
  std::shared_ptr<NameGuard> names;

  std::size_t renamed = 0;   // after run(): so many of `renames`, with this in their names
  bool sync_failed = false;  // after run(): the error is one of fsync, which is final

  /// A name that cannot be unlinked is left to the next open. Errors: kIo, kCancelled when the log
  /// is gone; what was renamed stays so.
  Status run(FileSystem& system);
};

inline constexpr const char* kDeletedSuffix = ".deleted";

}  // namespace penstock::log
