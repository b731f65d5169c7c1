#include "framework/connect/task/task_link.h"

#include <utility>

namespace penstock::connect {

void TaskSignal::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void TaskSignal::set(std::atomic<bool>& flag, bool on) {
  flag.store(on, std::memory_order_release);
  wake();
}

void TaskSignal::stored(std::int64_t sequence) {
  stored_.store(sequence, std::memory_order_release);
  wake();
}

bool TaskSignal::wait(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [this] { return woken_; });
  return std::exchange(woken_, false);
}

}  // namespace penstock::connect
