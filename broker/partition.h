#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/partition_state.h"
#include "broker/topics.h"
#include "broker/transaction_marker.h"
#include "broker/transaction_verification.h"
#include "framework/base/bytes.h"
#include "framework/base/unique_function.h"
#include "framework/log/log.h"
#include "framework/protocol/error_code.h"

namespace penstock::broker {

/// Told when a partition it listens to can show more, or goes away. Owner shard only.
class FetchWaiter {
 public:
  virtual ~FetchWaiter() = default;
  /// About `bytes` more may be read now; 0: something other than data changed. Must not touch the
  /// partition's list of waiters.
  virtual void on_progress(std::uint64_t bytes) = 0;
  /// It sees nothing beyond the last stable offset, and is told of that only.
  bool read_committed = false;
};

struct AppendOutcome {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string text;
  Offset base_offset = Offset::kNone;
  Offset end = Offset::kNone;  // exclusive; acknowledged once acknowledged(end)
  Offset log_start = Offset::kNone;
  bool unverified =
      false;  // nothing was appended: the coordinator has to vouch for the batch first
};

struct ReadOutcome {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  Offset high_watermark = Offset::kNone;
  Offset last_stable = Offset::kNone;
  Offset log_start = Offset::kNone;
  LeaderEpoch diverging_epoch{
      -1};  // where a reader's log and this one part ways; set by the fetch only
  Offset diverging_end = Offset::kNone;
  std::uint64_t size_bytes = 0;
  bool more = false;  // there is more that only the next read can have
  std::vector<log::FileRange> ranges;
  std::vector<log::ProducerState::Aborted> aborted;  // for a reader of committed records
};

/// One partition's leader: its log, epoch and high watermark, and who waits for them. Lives on its
/// owner shard; nothing blocks.
class Partition {
 public:
  Partition(std::shared_ptr<PartitionHandle> handle, std::unique_ptr<log::Log> log,
            const TopicSettings& settings, LeaderEpoch epoch);
  ~Partition();
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  /// Appends one batch that was checked (batch_check.h); an idempotent producer's duplicate gives
  /// the offsets of the first time. The first batch of a transaction needs a good `guard`
  /// (verifications()). One without a sequence comes from a coordinator.
  AppendOutcome append(ByteSpan batch, const record::BatchHeader& header, std::int16_t acks,
                       std::uint64_t guard = 0);
  /// Ends the producer's transaction here.
  AppendOutcome append_marker(const TransactionMarker& marker);
  /// Whether the producer has an open transaction here.
  [[nodiscard]] bool in_transaction(ProducerId producer, ProducerEpoch epoch) const;
  [[nodiscard]] TransactionVerifications& verifications() { return verifications_; }
  [[nodiscard]] bool acknowledged(Offset end, std::int16_t acks) const {
    return may_acknowledge(state_, end, acks);
  }
  /// `done` once acknowledged(end, acks), at once if it is; kRequestTimedOut after `timeout_ms`;
  /// kStorageError when the disk failed.
  void when_acknowledged(Offset end, std::int16_t acks, std::int64_t timeout_ms,
                         UniqueFunction<void(protocol::ErrorCode)> done);

  struct ReadRequest {
    Offset from;
    std::uint64_t bytes_max = 0;
    bool at_least_one = false;  // give the first batch whole, however large
    bool read_committed = false;
    LeaderEpoch current_leader_epoch{-1};
  };
  ReadOutcome read(const ReadRequest& request);
  /// What read() would have to load and check on this shard: for a pool thread, before it.
  std::optional<log::ColdTask> begin_cold(const ReadRequest& request);

  /// A waiter is added once and removed before it dies.
  void add_waiter(FetchWaiter* waiter) { waiters_.push_back(waiter); }
  void remove_waiter(FetchWaiter* waiter);

  [[nodiscard]] const PartitionState& state() const { return state_; }
  [[nodiscard]] Offset last_stable() const;
  [[nodiscard]] const TopicSettings& settings() const { return settings_; }
  [[nodiscard]] log::Log& log() { return *log_; }
  void set_settings(const TopicSettings& settings);

  /// After the log's start or end moved by other means than append() (retention, DeleteRecords).
  void log_changed();
  /// One fdatasync on the pool for everything appended so far; nothing while one is under way or
  /// nothing is due.
  void start_flush();
  /// No more appends; those who wait get kStorageError.
  void go_offline(const Error& why);
  /// Takes the log out, before the partition dies (deletion, stop).
  std::unique_ptr<log::Log> release_log();

 private:
  struct AckWaiter {
    Offset end;
    std::int16_t acks = 0;
    std::uint64_t timer = 0;
    UniqueFunction<void(protocol::ErrorCode)> done;
  };

  /// Whether the batch of a producer with an id may be appended; if not, `out` says why.
  bool admit(const record::BatchHeader& header, std::uint64_t guard, AppendOutcome& out) const;
  bool admit_transaction(const record::BatchHeader& header, std::uint64_t guard,
                         AppendOutcome& out) const;
  void append_admitted(ByteSpan batch, AppendOutcome& out);
  void advance(std::uint64_t new_bytes);
  void answer_waiters();
  void fail_waiters(protocol::ErrorCode error);
  void time_out(Offset end);
  void flushed(const log::FlushTask& task, const Status& status);
  void schedule_flush();
  void flush_in_time();

  std::weak_ptr<PartitionHandle> handle_;
  BrokerShard& owner_;
  std::unique_ptr<log::Log> log_;
  TopicSettings settings_;
  PartitionState state_;
  std::deque<AckWaiter> ack_waiters_;  // by end, rising
  std::vector<FetchWaiter*> waiters_;
  std::uint64_t unflushed_bytes_ = 0;
  std::uint64_t hidden_bytes_ = 0;    // appended, not yet below the high watermark
  std::uint64_t unstable_bytes_ = 0;  // below it, not yet below the last stable offset
  Offset stable_end_;                 // the last stable offset as the waiters know it
  TransactionVerifications verifications_;
  bool flushing_ = false;
  bool flush_scheduled_ = false;
  bool flush_timer_set_ = false;
};

/// What a failed log operation is called on the wire.
[[nodiscard]] protocol::ErrorCode error_code_of(Errc code);

}  // namespace penstock::broker
