#pragma once

#include <functional>
#include <mutex>

#include "framework/base/error.h"

namespace penstock::log {

/// What the tasks of a log that change names in its directory share with the log. A topic that is
/// deleted and made again has the same paths: a task that outlives its log must not touch what is
/// there now. Any thread.
class NameGuard {
 public:
  /// Runs `work` while the log is there; kCancelled, and nothing is run, once it is gone.
  Status change(const std::function<Status()>& work) {
    const std::lock_guard lock(mutex_);
    if (gone_) return fail(Errc::kCancelled, "the log is gone");
    return work();
  }
  /// The log goes. Waits for the change under way, so not on a shard while tasks may run.
  void end() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
  }

 private:
  // A log dies on one thread while its tasks run on others: the mutex guards gone_, and that it
  // stays as it is during a change.
  std::mutex mutex_;
  bool gone_ = false;
};

}  // namespace penstock::log
