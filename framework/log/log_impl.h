#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "framework/log/epoch_cache.h"
#include "framework/log/log.h"
#include "framework/log/recovery.h"
#include "framework/log/segment.h"
#include "framework/log/txn_index.h"

namespace penstock::log {

/// flushed_end of an open log, for whoever writes the recovery point checkpoint on another thread:
/// a value above it must not be written.
using DurableLimit = std::shared_ptr<std::atomic<std::int64_t>>;

class LogImpl final : public Log {
 public:
  /// Called before a truncation below `to` touches the disk, so that no recovery point above it
  /// survives.
  using BeforeTruncate = std::function<Status(Offset to)>;

  static Result<std::unique_ptr<LogImpl>> open(FileSystem& system, const Clock& clock,
                                               std::string directory, const LogConfig& config,
                                               const RecoveryHint& hint, RecoveryReport& report);
  ~LogImpl() override {
    cancel_compaction();
    names_->end();
  }

  Result<AppendInfo> append(ByteSpan batches, LeaderEpoch epoch) override;
  Result<AppendInfo> append_as_is(ByteView batches) override;
  Result<ReadResult> read(Offset from, std::uint64_t bytes_max, Offset below,
                          bool at_least_one) override;
  std::optional<ColdTask> begin_cold(Offset from, std::uint64_t bytes_max, Offset below) override;
  void apply_cold(ColdTask& task, const Status& ran) override;
  std::optional<SearchTask> begin_search(const TimeQuery& query) override;
  Result<bool> apply_search(SearchTask& task, const Status& ran) override;
  std::optional<Error> missing_end(Offset segment) override;
  Result<std::optional<TimestampOffset>> find_timestamp(std::int64_t timestamp_ms,
                                                        Offset below) override;
  Result<std::optional<TimestampOffset>> find_max_timestamp(Offset below) override;
  Result<std::vector<ProducerState::Aborted>> aborted(Offset from, Offset to) override;
  std::pair<LeaderEpoch, Offset> epoch_end(LeaderEpoch epoch) const override {
    return epochs_.end_of(epoch, end_);
  }
  LeaderEpoch latest_epoch() const override { return epochs_.latest(); }
  LeaderEpoch epoch_at(Offset offset) const override {
    return epochs_.at(offset).value_or(LeaderEpoch(-1));
  }
  Status begin_epoch(LeaderEpoch epoch) override;
  Status truncate(Offset to) override;
  Result<std::optional<RemovalTask>> begin_truncate_prefix(Offset to) override;
  Result<std::optional<RemovalTask>> begin_retention(Offset below) override;
  Result<Removed> apply_removal(RemovalTask& task, const Status& ran) override;
  bool has_names_to_remove() const override { return !dropped_.empty() || !deleted_.empty(); }
  std::optional<UnlinkTask> begin_unlink() override;
  void apply_unlink(const UnlinkTask& task, const Status& ran) override;
  Status truncate_prefix(Offset to) override;
  Result<int> apply_retention(Offset below) override;
  bool unlink_deleted() override;
  Status roll() override;
  std::optional<FlushTask> begin_flush() override;
  void apply_flush(const FlushTask& task) override;
  Offset flushed_end() const override { return flushed_end_; }
  Status close() override;
  Result<std::optional<Cleanable>> cleanable(Offset below) override;
  Result<std::optional<CompactionTask>> begin_compaction(Offset below,
                                                         const CompactionLimits& limits) override;
  Status apply_compaction(const CompactionTask& task, const Status& ran) override;
  void cancel_compaction() override;
  std::optional<Offset> cleaned_to() const override { return cleaned_to_; }
  Offset start() const override { return start_; }
  Offset end() const override { return end_; }
  std::uint64_t size_bytes() const override { return size_bytes_; }
  std::size_t segment_count() const override { return segments_.size(); }
  std::uint64_t generation() const override { return generation_; }
  const std::string& directory() const override { return directory_; }
  const LogConfig& config() const override { return config_; }
  void set_config(const LogConfig& config) override { config_ = config; }
  ProducerState& producers() override { return producers_; }
  const std::optional<Error>& offline() const override { return offline_; }
  void set_offline(Error why) override;
  Result<std::optional<ScrubTask>> begin_scrub(std::uint64_t bytes_max) override;
  void apply_scrub(const ScrubTask& task) override;

  void set_before_truncate(BeforeTruncate hook) { before_truncate_ = std::move(hook); }
  /// Called before segments below `start` are removed: makes the new log start durable. Pool
  /// threads too, while the log is there.
  void set_before_remove(BeforeTruncate hook) { before_remove_ = std::move(hook); }
  /// Called on the compaction's thread before its segments take the place of others: makes durable
  /// that this log has gaps.
  void set_before_swap(std::function<Status(Offset cleaned_to)> hook) {
    before_swap_ = std::move(hook);
  }
  [[nodiscard]] const DurableLimit& durable_limit() const { return durable_limit_; }

 private:
  struct Deleted {
    std::vector<std::string> paths;
    std::int64_t due_ms = 0;
  };
  struct Incoming {  // what the first walk over an append learns
    Offset base;
    Offset last;
    std::int64_t max_timestamp_ms = -1;
  };

  LogImpl(FileSystem& system, const Clock& clock, std::string directory, const LogConfig& config)
      : system_(system), clock_(clock), directory_(std::move(directory)), config_(config) {}

  Segment& active() { return *segments_.back(); }
  // A log that was ever compacted has gaps, whatever its policy is now.
  [[nodiscard]] bool contiguous() const {
    return config_.cleanup_policy == CleanupPolicy::kDelete && !cleaned_to_;
  }
  [[nodiscard]] Segment::Judge judge_of(std::size_t index) const;
  [[nodiscard]] std::size_t segment_of(Offset offset) const;
  Offset next_base(std::size_t index) const {
    return index + 1 < segments_.size() ? segments_[index + 1]->base() : end_;
  }
  void set_flushed_end(Offset to);
  void keep_few_files_open(std::size_t used);
  /// Remembers in which segment damage was met, for the note that set_offline() leaves.
  void note_damage(std::size_t index, const Error& error);
  Result<ReadResult> read_from(Offset from, std::uint64_t bytes_max, Offset below,
                               bool at_least_one, std::size_t& index);

  Status check_online() const;
  [[nodiscard]] std::int64_t roll_jitter_ms(Offset base) const;
  Status roll_if_needed(const Incoming& incoming, std::size_t bytes);
  Result<AppendInfo> write(ByteView batches, const Incoming& incoming);
  Status take_in(const record::BatchView& batch, Offset segment_base);
  Status add_segment(Offset base);
  /// The active segment with its indexes, and its tail checked: before it is written to.
  Status load_active();
  Status close_active();
  Status store_epochs();
  Status write_snapshot(Offset at);
  std::optional<FlushTask::Snapshot> due_snapshot();
  Status store_aborted();
  Status restart_at(Offset base);

  Result<std::uint64_t> end_position(std::size_t index, Offset below);
  [[nodiscard]] std::vector<Segment::Span> cold_spans(std::size_t index, Offset from,
                                                      std::uint64_t bytes_max, Offset below) const;
  Result<std::optional<TimestampOffset>> search_now(TimeQuery query);
  /// The segment that a task was made of; nullopt when it is not there any more.
  [[nodiscard]] std::optional<std::size_t> still_there(const Segment& twin,
                                                       std::uint64_t generation,
                                                       std::uint64_t layout) const;

  Status swap_in(const CompactionTask::Output& output);
  Status finish_swaps();
  Result<int> remove_below_start();
  bool give_up_compaction(Offset to);

  RemovalTask new_removal() const;
  [[nodiscard]] std::vector<RemovalTask::Candidate> candidates(Offset below, bool& more) const;
  int drop_segments(std::size_t count);
  Status unlink_now();
  Status remove_segments_behind(std::size_t index);
  using Names = std::vector<std::string>;  // of the directory's files
  Status restore_producers(Offset snapshots_below, const Names& names);
  Status replay_producers(Offset from);
  Status forget_aborted(const Segment& segment, Offset from);

  Status open_files(const RecoveryHint& hint, RecoveryReport& report);
  Status create_directory(const RecoveryHint& hint);
  Status find_segments(const RecoveryHint& hint, const Names& names, RecoveryReport& report);
  Status load_epochs(const RecoveryHint& hint, const Names& names, RecoveryReport& report);
  [[nodiscard]] bool vouched_for(const RecoveryHint& hint, const Names& names) const;
  Status rebuild_epochs();
  Status recover_tail(const RecoveryHint& hint, RecoveryReport& report);

  FileSystem& system_;
  const Clock& clock_;
  std::string directory_;
  LogConfig config_;
  std::vector<std::unique_ptr<Segment>>
      segments_;  // by base offset; the last is active; never empty once open
  EpochCache epochs_;
  std::shared_ptr<File> epoch_file_;  // written since the last flush
  ProducerState producers_;
  std::vector<std::pair<Offset, ProducerState::Aborted>>
      unstored_aborted_;  // with the base of their segment: the disk was full
  std::map<std::string, std::shared_ptr<File>>
      txn_files_;  // transaction indexes written since the last flush, by path
  std::set<std::string> txn_since_begin_;  // those of them written since begin_flush() was called
  Offset snapshot_at_ = Offset::kNone;     // the newest snapshot on disk
  Offset snapshot_under_way_ = Offset::kNone;
  std::string snapshot_path_;         // if it is not a segment's own
  std::uint64_t snapshot_bytes_ = 0;  // appended_bytes_ at that time
  std::int64_t snapshot_ns_ = 0;
  Offset start_{0};
  Offset end_{0};
  Offset flushed_end_{0};
  DurableLimit durable_limit_ = std::make_shared<std::atomic<std::int64_t>>(0);
  BeforeTruncate before_truncate_;
  BeforeTruncate before_remove_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t appended_bytes_ = 0;
  std::uint64_t generation_ = 1;
  std::uint64_t directory_changes_ = 0;  // files created
  std::uint64_t directory_changes_synced_ = 0;
  std::int64_t active_since_ms_ = 0;
  std::uint64_t layout_ = 1;  // changes when a segment is replaced by another one at its place
  std::optional<Offset> removing_to_;  // a removal under way: no log start beyond it comes of it
  std::deque<std::vector<std::string>> dropped_;  // files of each segment that left the log
  bool sync_before_rename_ = false;               // of those files
  bool unlinking_ = false;
  std::deque<Deleted> deleted_;
  std::shared_ptr<NameGuard> names_ = std::make_shared<NameGuard>();
  std::deque<Segment*> lately_used_;  // cold segments with an open file
  std::optional<Error> offline_;
  std::optional<Offset> damaged_;           // base of the segment in which damage was met
  CompactionTask::SharedState compacting_;  // begun and not finished
  std::optional<Offset> compacting_to_;
  std::vector<Offset> swapped_;         // segments that still carry `.swap`
  std::uint64_t swaps_durable_at_ = 0;  // directory_changes_synced_ from which they may lose it
  std::optional<Offset> cleaned_to_;
  std::function<Status(Offset)> before_swap_;
  std::size_t scrub_segment_ = 0;
  std::uint64_t scrub_position_ = 0;
  std::optional<std::int64_t> active_scrubbed_ms_;  // when that began last
};

}  // namespace penstock::log
