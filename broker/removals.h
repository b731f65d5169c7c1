#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "broker/topics.h"
#include "framework/base/error.h"
#include "framework/base/unique_function.h"
#include "framework/log/removal.h"

namespace penstock::broker {

class BrokerShard;

/// How records leave the partitions of one shard: DeleteRecords, retention, the files of removed
/// segments. Each removal blocks on the disk several times, so one of them at a time is on the
/// pool, and leaves its other threads to flushes; requests of clients come first. Lives on its
/// shard; what is queued is bounded by the requests that wait for it, and by two jobs of its own
/// for each partition. Where a removal fails, a request hears of it; retention says so in the log
/// and tries again in its next round.
class Removals {
 public:
  using Done = UniqueFunction<void(Status)>;
  explicit Removals(BrokerShard& shard) : shard_(shard) {}

  /// Nothing below `to` is served any more once `done` was called, and that is durable. kOutOfRange
  /// beyond the log end; kOffline when the partition went away.
  void remove(const PartitionRef& handle, Offset to, Done done);
  /// A round of retention over all partitions; none while one is under way.
  void retain_all();
  /// The files of removed segments, of all partitions; none while that is under way.
  void unlink_all();

 private:
  struct Job {
    enum class Kind : std::uint8_t { kRemove, kRetain, kUnlink };
    Kind kind = Kind::kRemove;
    PartitionRef handle;
    Offset to{0};
    Done done;
  };
  void work_off();
  std::optional<Job> next();
  /// True when the job went to the pool.
  bool begin(Job& job);
  bool begin_removal(Job& job, Partition& partition);
  bool begin_unlink(Job& job, Partition& partition);
  void applied(Job& job, log::RemovalTask& task, const Status& ran);
  void finish(Job& job, Status status);

  BrokerShard& shard_;
  std::deque<Job> requests_;
  std::deque<Job> chores_;
  std::size_t retaining_ = 0;  // jobs of the round
  std::size_t unlinking_ = 0;
  bool busy_ = false;  // a job is on the pool, or work_off() was posted
};

}  // namespace penstock::broker
