#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/clock.h"
#include "framework/base/error.h"
#include "framework/base/ids.h"
#include "framework/log/cold.h"
#include "framework/log/compaction.h"
#include "framework/log/file_system.h"
#include "framework/log/producer_state.h"
#include "framework/log/removal.h"
#include "framework/log/scrub.h"
#include "framework/log/time_search.h"
#include "framework/record/batch.h"

namespace penstock::log {

enum class CleanupPolicy : std::uint8_t { kDelete, kCompact, kCompactAndDelete };

/// Per-topic settings that the log itself obeys; Kafka's names and defaults.
struct LogConfig {
  std::int64_t segment_bytes = 1LL << 30;
  std::int64_t segment_ms = 7LL * 24 * 3600 * 1000;
  std::int64_t segment_jitter_ms = 0;  // a segment may be rolled up to that much before segment_ms
  std::int64_t segment_index_bytes = 10LL << 20;
  std::int32_t index_interval_bytes = 4096;
  std::int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // -1: for ever
  std::int64_t retention_bytes = -1;                   // -1: no limit
  std::int64_t file_delete_delay_ms = 60'000;
  std::int64_t producer_id_expiration_ms = 24LL * 3600 * 1000;
  CleanupPolicy cleanup_policy = CleanupPolicy::kDelete;
  std::int64_t delete_retention_ms = 24LL * 3600 * 1000;
  double min_cleanable_dirty_ratio = 0.5;
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t max_compaction_lag_ms = INT64_MAX;
};

/// Bytes of a segment file, whole batches, ready for sendfile or pread. The file stays open and
/// readable while this lives, even when retention has unlinked it. Movable to any thread.
struct FileRange {
  std::shared_ptr<const File> file;
  std::uint64_t position = 0;
  std::uint64_t length = 0;
};

struct AppendInfo {
  Offset base_offset;
  Offset last_offset;
  std::int64_t max_timestamp_ms = -1;
  std::uint64_t log_end_bytes =
      0;  // total bytes ever appended by this instance; feed to a flush wait
};

struct ReadResult {
  std::vector<FileRange> ranges;  // in offset order; usually one, two across a roll
  std::uint64_t size_bytes = 0;
  Offset first_batch_offset = Offset::kNone;  // may lie below the offset asked for (batch-aligned)
  Offset end = Offset::kNone;  // no record of `ranges` lies at or beyond it; little more than that
  bool more = false;           // the next segment has to be looked at first: see begin_cold()
};

/// What is known about this log from its directory's files; decides how damage is judged (recovery
/// rules: log_directory.h).
struct RecoveryHint {
  std::optional<Offset>
      clean_end;  // from the clean-shutdown marker: no byte may be missing or bad below it
  /// How many bytes all segments had then; when they still do, the tail is looked at only when
  /// somebody first needs it.
  std::optional<std::uint64_t> clean_bytes;
  Offset recovery_point{0};         // everything below was fdatasynced
  bool same_boot = false;           // only the process died: the page cache survived
  std::optional<Offset> log_start;  // from log-start-offset-checkpoint
  std::optional<Offset>
      cleaned_to;  // from cleaner-offset-checkpoint; there when the log was ever compacted
  bool log_start_exact = false;  // it was made durable before segments below it went: a later first
                                 // segment means missing ones
};
/// What opening did; the broker logs each line of `notes`.
struct RecoveryReport {
  bool scanned = false;
  std::uint64_t bytes_cut = 0;    // an incomplete final write (same boot)
  std::uint64_t bytes_torn = 0;   // moved to <segment>.torn (other boot)
  std::int64_t batches_torn = 0;  // whole batches among them
  bool loss_accepted = false;     // an operator's accept-data-loss file was obeyed
  bool power_cut = false;  // the computer restarted without a clean stop: what was not synced may
                           // be gone without a trace
  std::vector<std::string> notes;
};

/// What one shared fdatasync has to do; runs on any thread and touches nothing of the log.
struct FlushTask {
  std::vector<std::shared_ptr<File>> files;  // oldest first
  std::vector<std::string> directories;
  std::uint64_t generation = 0;
  Offset up_to;                         // exclusive: durable when run() succeeded
  std::uint64_t directory_changes = 0;  // for apply_flush()
  /// The producer state at `up_to`, now and then: what a start after a crash goes on from.
  struct Snapshot {
    std::string path;
    std::vector<std::byte> bytes;
    std::string replaces;  // an older one, removed once this is there; empty: none
  };
  std::optional<Snapshot> snapshot;
  std::shared_ptr<NameGuard> names;  // for the snapshot
  /// The first failure is final: the log must then be marked offline.
  [[nodiscard]] Status run(FileSystem& system) const;
};

/// One partition's log: a directory of segments in Kafka's format. Owner shard only, unless said
/// otherwise; opens, flush tasks and scrubs may run on a pool thread while nobody else uses the
/// log. Never blocks on fsync by itself, except at roll time never: a rolled segment is part of the
/// next FlushTask.
class Log {
 public:
  /// Opens or creates `directory` (an absolute path). Errors: kCorrupt (the text names file,
  /// position and what an operator can do), kIo, kStorageFull. On kCorrupt nothing was changed on
  /// disk. An operator who gives up damaged records writes the offset that the error names to
  /// `accept-data-loss` in the directory; the next open then moves everything from there on to
  /// .torn files.
  static Result<std::unique_ptr<Log>> open(FileSystem& system, const Clock& clock,
                                           std::string directory, const LogConfig& config,
                                           const RecoveryHint& hint, RecoveryReport& report);
  virtual ~Log() = default;
  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Appends one or more batches that lie behind each other in `batches`, structure and CRC already
  /// checked. Only base offset and leader epoch are rewritten, in `batches` itself. When this
  /// returns, the bytes are in the page cache, not on disk. Rolls before if the segment is full.
  /// All or nothing: after kStorageFull the log is as before and takes appends again once there is
  /// room. kOffline after an earlier I/O error.
  virtual Result<AppendInfo> append(ByteSpan batches, LeaderEpoch epoch) = 0;
  /// Appends at the offsets the batches carry (followers, mirrors): the first must be at or beyond
  /// the log end.
  virtual Result<AppendInfo> append_as_is(ByteView batches) = 0;

  /// From the batch that holds `from` on, at most `bytes_max`, whole batches only, none that begins
  /// at or beyond `below`. The first batch is given even when larger than `bytes_max` if
  /// `at_least_one`. Empty when `from` == end. A cold segment is CRC-checked the first time.
  /// Errors: kOutOfRange when `from` is below start() or beyond end(); kCorrupt when a batch of a
  /// cold segment is damaged (whole batches before it are given first; the caller decides to
  /// set_offline()).
  virtual Result<ReadResult> read(Offset from, std::uint64_t bytes_max, Offset below,
                                  bool at_least_one) = 0;

  /// What read() would have to load and check first; nullopt when it was done, or nothing can be
  /// read. read() does it by itself, on this thread, where this was not asked. apply_cold() takes
  /// the task and what run() gave; the read then meets what is wrong again.
  virtual std::optional<ColdTask> begin_cold(Offset from, std::uint64_t bytes_max,
                                             Offset below) = 0;
  virtual void apply_cold(ColdTask& task, const Status& ran) = 0;

  /// The segments that the search has to look at, some of them; nullopt when `query.found` is the
  /// answer. apply_search() takes the task and what run() gave: true when `task.query.found` is the
  /// answer, false when begin_search(task.query) has to go on. Errors: what run() gave, unless the
  /// log changed meanwhile: then the search begins again; kBusy when that came too often.
  virtual std::optional<SearchTask> begin_search(const TimeQuery& query) = 0;
  virtual Result<bool> apply_search(SearchTask& task, const Status& ran) = 0;
  /// Both on this thread, from begin to end.
  /// The first record with a timestamp >= `timestamp_ms`, in [start, below). nullopt: none.
  virtual Result<std::optional<TimestampOffset>> find_timestamp(std::int64_t timestamp_ms,
                                                                Offset below) = 0;
  /// The record with the largest timestamp (ListOffsets -3).
  virtual Result<std::optional<TimestampOffset>> find_max_timestamp(Offset below) = 0;
  /// Aborted transactions that overlap [from, to), for READ_COMMITTED fetches. The cost depends on
  /// how many there are, not on how many the log holds.
  virtual Result<std::vector<ProducerState::Aborted>> aborted(Offset from, Offset to) = 0;
  /// End offset of the largest epoch <= `epoch` (OffsetForLeaderEpoch); {-1, kNone} when unknown.
  virtual std::pair<LeaderEpoch, Offset> epoch_end(LeaderEpoch epoch) const = 0;
  virtual LeaderEpoch latest_epoch() const = 0;
  /// The epoch in which the record at `offset` was, or will be, appended; -1 when it is not known.
  virtual LeaderEpoch epoch_at(Offset offset) const = 0;
  /// A new leader epoch begins at end(); durable with the next checkpoint.
  virtual Status begin_epoch(LeaderEpoch epoch) = 0;

  /// Removes all batches that hold `to` or anything later. `to` lies in [start, end]. Durable when
  /// it returns: it syncs. kBusy while a compaction that reaches beyond `to` cannot be given up any
  /// more, or a removal may move the log start beyond it.
  virtual Status truncate(Offset to) = 0;
  /// DeleteRecords: nothing below `to` is served any more; whole segments below it are removed.
  /// nullopt when the log begins there already; kOutOfRange beyond end(); kBusy while another
  /// removal is under way. apply_removal() must be called with the task and what run() gave.
  virtual Result<std::optional<RemovalTask>> begin_truncate_prefix(Offset to) = 0;
  /// Segments that retention no longer keeps, none that holds anything at or beyond `below` (the
  /// high watermark). nullopt when there is none, or another removal or a compaction is under way.
  virtual Result<std::optional<RemovalTask>> begin_retention(Offset below) = 0;
  struct Removed {
    int segments = 0;
    bool more = false;  // retention is not done: begin_retention() again
  };
  /// Rolls an expired active segment. Gives back the error that run() gave; the log is as before
  /// then. What the task was made of may be gone by now: then nothing is removed.
  virtual Result<Removed> apply_removal(RemovalTask& task, const Status& ran) = 0;
  /// What begin_unlink() has left to do now or later.
  [[nodiscard]] virtual bool has_names_to_remove() const = 0;
  /// The files of removed segments; those of them that were renamed longer than
  /// file_delete_delay_ms ago are unlinked. nullopt when nothing is due, or one is under way.
  /// apply_unlink() must be called with the task and what run() gave. After a failed fsync it takes
  /// the log offline.
  virtual std::optional<UnlinkTask> begin_unlink() = 0;
  virtual void apply_unlink(const UnlinkTask& task, const Status& ran) = 0;
  /// The same on this thread, from begin to end. They sync and unlink: for owners that may block.
  virtual Status truncate_prefix(Offset to) = 0;
  /// Returns the number of segments removed.
  virtual Result<int> apply_retention(Offset below) = 0;
  /// Returns true while some are left.
  virtual bool unlink_deleted() = 0;
  /// Closes the active segment and opens a new one at end(); nothing if it is empty.
  virtual Status roll() = 0;

  /// nullopt when everything is durable already. apply_flush() must be called with the result;
  /// ignored if generation() moved on.
  virtual std::optional<FlushTask> begin_flush() = 0;
  virtual void apply_flush(const FlushTask& task) = 0;
  [[nodiscard]] virtual Offset flushed_end()
      const = 0;  // exclusive; also the recovery point to checkpoint
  /// Flushes on this thread, writes snapshots, closes files. For a clean stop.
  virtual Status close() = 0;

  /// What a compaction could work on, none of it at or beyond `below` (the last stable offset).
  /// nullopt: nothing, or one is under way, or cleanup.policy is not compact.
  virtual Result<std::optional<Cleanable>> cleanable(Offset below) = 0;
  /// One compaction at a time. Until it is finished (apply_compaction() and a flush) no segment is
  /// removed and no truncation reaches below its end. apply_compaction() must be called with the
  /// task and what run() gave; after kCorrupt and kStorageFull the log is as before.
  virtual Result<std::optional<CompactionTask>> begin_compaction(
      Offset below, const CompactionLimits& limits) = 0;
  virtual Status apply_compaction(const CompactionTask& task, const Status& ran) = 0;
  /// run() gives up soon, if it has not come too far.
  virtual void cancel_compaction() = 0;
  /// Below it the log was compacted; there as soon as it ever was. For the checkpoint.
  [[nodiscard]] virtual std::optional<Offset> cleaned_to() const = 0;

  [[nodiscard]] virtual Offset start() const = 0;
  [[nodiscard]] virtual Offset end() const = 0;
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
  [[nodiscard]] virtual std::size_t segment_count() const = 0;
  /// Changes with each truncate and close: what was begun before is void.
  [[nodiscard]] virtual std::uint64_t generation() const = 0;
  [[nodiscard]] virtual const std::string& directory() const = 0;
  [[nodiscard]] virtual const LogConfig& config() const = 0;
  virtual void set_config(const LogConfig& config) = 0;
  /// Producer ids, epochs, sequences and open transactions, kept in step with appends.
  virtual ProducerState& producers() = 0;
  /// Why it takes no more appends; nullopt when all is well.
  [[nodiscard]] virtual const std::optional<Error>& offline() const = 0;
  virtual void set_offline(Error why) = 0;
  /// The next piece of a segment, about `bytes_max` of it, for the scrubber; nullopt at the end of
  /// a round. The active segment has its turn after a start and then every kActiveScrubMs at most.
  /// apply_scrub() goes on behind it, behind its segment if that is damaged. Reading goes on while
  /// the log is offline.
  virtual Result<std::optional<ScrubTask>> begin_scrub(std::uint64_t bytes_max) = 0;
  virtual void apply_scrub(const ScrubTask& task) = 0;
  /// What is wrong when the file of that segment ends before the segment does; nullopt when it does
  /// not, or there is no such segment.
  virtual std::optional<Error> missing_end(Offset segment) = 0;
};

}  // namespace penstock::log
