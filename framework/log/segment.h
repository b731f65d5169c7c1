#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "framework/log/epoch_cache.h"
#include "framework/log/file_system.h"
#include "framework/log/header_walker.h"
#include "framework/log/scan.h"
#include "framework/log/segment_index.h"

namespace penstock::log {

/// `directory`/%020d, the path of a segment's files without the suffix.
std::string segment_stem(const std::string& directory, Offset base);

/// One segment: the .log file, its offset and time index, and which of its bytes this process has
/// checked. Files are opened and indexes loaded when first needed. Owner shard only.
class Segment {
 public:
  /// Bytes that somebody is going to look at, from an index entry on.
  struct Span {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::optional<Offset> expected;    // base offset of the first batch, if it is known
    std::optional<OffsetEntry> entry;  // it has to lead to its batch; nullopt: it is known to
  };
  struct Position {
    std::uint64_t at = 0;
    record::BatchHeader header;
  };
  /// How the bytes of this segment are to be judged when they are first looked at.
  struct Judge {
    const EpochCache* epochs = nullptr;
    bool contiguous = true;
    std::optional<Offset> next_segment;  // base of the next one; nullopt for the active segment
  };

  Segment(FileSystem& system, const std::string& directory, Offset base, std::uint64_t size,
          std::int32_t index_interval_bytes, std::string suffix = "");

  [[nodiscard]] Offset base() const { return base_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& stem() const { return stem_; }
  /// The file of that kind (".log") as it is named now: what compaction made carries a suffix
  /// behind it for a while.
  [[nodiscard]] std::string path(const std::string& kind) const { return stem_ + kind + suffix_; }
  [[nodiscard]] std::size_t index_entries() const { return offsets_.size(); }
  [[nodiscard]] bool is_open() const { return file_ != nullptr; }

  /// Creates the .log file, which must not exist; empty indexes.
  Status create();
  Result<std::shared_ptr<File>> file();
  /// Writes at the end. After an error the caller must cut_back() or give up the log.
  Status write(ByteView batches);
  /// Drops what a failed write left behind the end.
  Status cut_back();
  /// Bookkeeping for one batch at `position`, in order; may add index entries, in memory.
  void add(const record::BatchHeader& header, std::uint64_t position);
  /// Writes index entries that are only in memory, when there are many (or `all`). A full disk is
  /// no error: they stay in memory.
  Status store_indexes(bool all);
  /// The last time index entry, as a roll and a clean close write it. Trims what was reserved.
  Status seal();

  /// Loads the indexes; false when they are missing, malformed or do not lead to the batches they
  /// name.
  Result<bool> try_load(const Judge& judge);
  /// Loads, and makes sure that the time index's end agrees with the log; rebuilds it otherwise.
  /// Before max_timestamp_ms() is relied on.
  Status check_times(const Judge& judge);
  /// The last offset of a batch before which everything is older than `timestamp_ms`; the base
  /// offset when there is none.
  Result<Offset> floor_of_time(std::int64_t timestamp_ms, const Judge& judge);
  /// As try_load(), but rebuilds them from the log instead of giving false.
  Status load(const Judge& judge);
  /// The active segment after a clean stop: what lies behind the last index entry is checked and
  /// taken in by the first load(). kCorrupt then unless the batches end at `end`.
  void defer_tail(Offset end) { tail_end_ = end; }
  /// Rebuilds both from the log file, in memory and on disk.
  Status rebuild(const Judge& judge);
  void drop_caches();

  /// The same segment for a pool thread, which may load, find and check in it while this one goes
  /// on: it knows what is known here, reads what was written up to now, and writes nothing. The
  /// index is copied only `with_index`; else it, and a file that is not open, come from the disk
  /// when they are needed, which a caller that may have lost the segment's name meanwhile has to
  /// know.
  [[nodiscard]] std::unique_ptr<Segment> twin(bool with_index) const;
  /// Takes over what a twin of this one has learnt: ranges that were checked, the open file, and
  /// the index if this one has none. What the twin has read must not have changed since. Writes
  /// index files that the twin found wrong; a full disk is no error.
  Status adopt(Segment& twin);

  /// Whether the index is in memory, and the tail was taken in.
  [[nodiscard]] bool is_loaded() const { return loaded_ && !tail_end_; }
  /// What finding `from` and then reading `bytes` looks at. Loaded segments only.
  [[nodiscard]] Span span_of(Offset from, std::uint64_t bytes) const;
  [[nodiscard]] bool is_checked(const Span& span) const {
    return checked_until(span.begin) >= span.end;
  }
  /// As ensure_checked(). A span whose entry is wrong is left alone: who reads makes the index
  /// anew.
  Status check(const Span& span, const Judge& judge);

  /// First batch whose last offset is >= `offset`; nullopt when all are below. Checks what it steps
  /// over first.
  Result<std::optional<Position>> find(Offset offset, const Judge& judge);
  /// The largest batch boundary in [from, limit]; `from` is one.
  Result<std::uint64_t> boundary_at_or_below(std::uint64_t from, std::uint64_t limit,
                                             const Judge& judge);
  /// An offset that no batch before the boundary `at` reaches, and not much beyond what they hold;
  /// the largest offset there is when the index does not tell.
  Result<Offset> offset_behind(std::uint64_t at, const Judge& judge);
  /// Makes sure that every batch that begins in [begin, end) was checked; `begin` is a batch
  /// boundary. kCorrupt with file and byte; what was good before the damage counts as checked.
  Status ensure_checked(std::uint64_t begin, std::uint64_t end, std::optional<Offset> expected,
                        const Judge& judge);
  /// Everything from `begin` on was checked by the caller, what will be appended included.
  void set_checked_from(std::uint64_t begin);
  /// `next`: the offset behind the range's last batch.
  void note_checked(std::uint64_t begin, std::uint64_t end, Offset next) {
    mark_checked(begin, end, next);
  }
  /// How far, from `begin` on, everything was checked.
  [[nodiscard]] std::uint64_t checked_until(std::uint64_t begin) const;

  /// Where the batch of the last index entry at or before `offset` begins, and its base offset; the
  /// segment's begin when there is none.
  Result<std::pair<std::uint64_t, Offset>> entry_at_or_before(Offset offset);

  /// Largest timestamp and the last offset of the first batch that has it; {-1, kNone} when there
  /// is none. After check_times() only.
  [[nodiscard]] std::int64_t max_timestamp_ms() const { return max_timestamp_ms_; }
  [[nodiscard]] Offset max_timestamp_offset() const { return max_timestamp_offset_; }
  /// The largest timestamp as far as it is known without looking at a file; -1 is none.
  [[nodiscard]] std::optional<std::int64_t> known_newest_ms() const;
  /// For time retention, without loading: the last time index entry, else the file's modification
  /// time.
  Result<std::int64_t> retention_timestamp_ms();

  /// Cuts the file at a batch boundary and forgets index entries beyond. Loaded segments only.
  Status truncate(std::uint64_t size);
  /// For recovery: cuts the file; replay_tail() puts the indexes right.
  Status shrink_file(std::uint64_t size);
  /// Takes in the batches behind the last index entry, as if they had just been appended. Loaded
  /// segments only.
  Status replay_tail();
  [[nodiscard]] std::optional<std::int64_t> first_timestamp_ms();
  /// Whether it has a transaction index.
  [[nodiscard]] bool has_txn_index();
  void note_txn_index() { has_txn_index_ = true; }
  /// All file names that may exist, for renaming and removing.
  [[nodiscard]] std::vector<std::string> paths() const;

 private:
  Result<bool> load_offsets();
  Result<bool> load_times();
  Result<bool> covers_the_log();
  Status compare_times(const Judge& judge);
  const OffsetEntry* entry_below(std::int64_t relative) const;
  /// Whether `entry` leads to the batch that it names. Only asked when the index came from a file.
  Result<bool> leads_to_its_batch(const OffsetEntry& entry);
  struct Checked {
    std::uint64_t end = 0;
    Offset next = Offset::kNone;  // what its last batch says must come behind; kNone: not known
  };
  void mark_checked(std::uint64_t begin, std::uint64_t end, Offset next);
  Status take_deferred_tail(const Judge& judge);
  Status rewrite_index_files();
  void reset_index();
  Status store(std::unique_ptr<File>& file, const std::string& suffix, std::uint64_t at,
               ByteView bytes);

  FileSystem& system_;
  Offset base_;
  std::string stem_;
  std::string suffix_;
  std::uint64_t size_;
  std::uint32_t interval_;
  std::uint64_t reserved_ = 0;
  bool loaded_ = false;
  bool times_checked_ = false;
  std::optional<Offset> tail_end_;  // see defer_tail()
  std::optional<TimeEntry>
      last_loaded_time_;  // what the file says about the log up to loaded_times_until_
  std::uint64_t loaded_times_until_ = 0;
  bool index_trusted_ = false;             // made by this process, not read from a file
  bool writes_ = true;                     // false in a twin
  bool rewrite_due_ = false;               // a twin has made the index anew
  std::optional<std::int64_t> newest_ms_;  // of a closed segment whose index was dropped
  std::shared_ptr<File> file_;
  std::unique_ptr<File> index_file_;
  std::unique_ptr<File> time_file_;
  std::vector<OffsetEntry> offsets_;
  std::vector<TimeEntry> times_;
  std::size_t offsets_stored_ = 0;
  std::size_t times_stored_ = 0;
  std::uint64_t bytes_since_entry_ = 0;
  std::uint64_t stored_log_bytes_ = 0;  // log size when the indexes were last stored
  std::int64_t max_timestamp_ms_ = -1;
  Offset max_timestamp_offset_ = Offset::kNone;
  std::optional<std::int64_t> first_timestamp_ms_;
  std::optional<bool> has_txn_index_;         // nullopt: nobody looked
  std::map<std::uint64_t, Checked> checked_;  // by begin: ranges that were checked since open
};

}  // namespace penstock::log
