#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "framework/base/unique_function.h"

namespace penstock::broker {

/// Threads for work that blocks on the disk. The queue is bounded by its users: one flush and one
/// recovery a partition; one scrub and one removal a shard; one compaction in all; one cold read a
/// connection; for each request under way, one check or search an owner shard.
class Pool {
 public:
  explicit Pool(int threads);
  /// Runs what is queued, then joins.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Any thread. Work comes to its turn in order.
  void run(UniqueFunction<void()> work);

 private:
  void work_off();

  // A hand-over between shards and blocking threads: nobody owns the queue, so a mutex guards
  // queue_ and stopping_.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<UniqueFunction<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace penstock::broker
